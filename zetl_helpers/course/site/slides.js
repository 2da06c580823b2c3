// The arrow keys change slides, N or S shows the speaker notes, and F switches to full screen.
const slides = [...document.querySelectorAll("section")];
const shown = () => Math.min(Math.max(Number(location.hash.slice(1)) || 1, 1), slides.length);

// Code has the largest size that fits the slide, or a smaller size if its lines then do not wrap. Tables use the remaining space.
const LARGEST = 2.2, WRAPPED = 1.8, SMALLEST_WHOLE = 1.5, SMALLEST = 0.6;
function fit(slide) {
  const body = slide.querySelector(".body"), tables = [...body.querySelectorAll("table")];
  let size = LARGEST, tableSize = LARGEST;
  const tooWide = (element) => element.scrollWidth > element.clientWidth + 1;
  const shrink = () => { body.style.fontSize = `${(size -= 0.05)}vw`; };
  const resizeTables = (by) => {
    tableSize -= by;
    tables.forEach((table) => { table.style.fontSize = `${tableSize}vw`; });
  };
  body.style.fontSize = "";
  resizeTables(0);
  body.classList.add("measured");
  const wraps = () => [...body.querySelectorAll("pre")].some(tooWide);
  while (size > SMALLEST_WHOLE && wraps()) shrink();
  if (wraps()) body.style.fontSize = `${(size = WRAPPED)}vw`;
  body.classList.remove("measured");
  while (tableSize > SMALLEST && tooWide(body)) resizeTables(0.05);
  while (size > SMALLEST && body.scrollHeight > body.clientHeight + 1) {
    if (!tables.length || size >= tableSize) shrink();
    if (tables.length && tableSize > size) resizeTables(0.05);
  }
}

// Columns of numbers are right-aligned, including their headings.
for (const table of document.querySelectorAll("table")) {
  const [head, ...rows] = table.rows;
  [...head.cells].forEach((heading, column) => {
    const cells = rows.map((row) => row.cells[column]).filter(Boolean);
    if (!cells.every((cell) => /^(-?[$]?[\d.,]+%?|<NA>|NaN|)$/.test(cell.textContent.trim()))) return;
    [heading, ...cells].forEach((cell) => cell.classList.add("number"));
  });
}

// A long type name can break after punctuation, so that the table does not become smaller.
for (const cell of document.querySelectorAll("td")) {
  const text = cell.textContent;
  if (cell.children.length || !/\S{30}/.test(text)) continue;
  cell.replaceChildren(...text.split(/(?<=[,:<(/])/).flatMap((part) => [part, document.createElement("wbr")]));
}

function show() {
  slides.forEach((slide, number) => slide.classList.toggle("shown", number + 1 === shown()));
  fit(slides[shown() - 1]);
}

function turn(by) {
  location.hash = Math.min(Math.max(shown() + by, 1), slides.length);
  // The event for the new address arrives later, and another key can be pressed before then.
  show();
}

addEventListener("hashchange", show);
addEventListener("resize", show);
addEventListener("keydown", (event) => {
  if (["ArrowRight", "ArrowDown", "PageDown", " ", "Enter"].includes(event.key)) turn(1);
  else if (["ArrowLeft", "ArrowUp", "PageUp", "Backspace"].includes(event.key)) turn(-1);
  else if (event.key === "Home") location.hash = 1;
  else if (event.key === "End") location.hash = slides.length;
  else if (["n", "N", "s", "S"].includes(event.key)) document.body.classList.toggle("with-notes");
  else if (["f", "F"].includes(event.key)) document.documentElement.requestFullscreen();
  else return;
  event.preventDefault();
});
addEventListener("click", (event) => turn(event.clientX > innerWidth / 3 ? 1 : -1));
show();
