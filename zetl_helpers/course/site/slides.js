// Right and left turn the pages, N or S shows the speaker's notes, F fills the screen.
const slides = [...document.querySelectorAll("section")];
const shown = () => Math.min(Math.max(Number(location.hash.slice(1)) || 1, 1), slides.length);

// A long query is set smaller, so that nothing is cut off.
function fit(slide) {
  const body = slide.querySelector(".body");
  let size = 1.6;
  body.style.fontSize = "";
  const cutOff = () => body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1;
  while (cutOff() && size > 0.6) {
    size -= 0.05;
    body.style.fontSize = `${size}vw`;
  }
}

function show() {
  slides.forEach((slide, number) => slide.classList.toggle("shown", number + 1 === shown()));
  fit(slides[shown() - 1]);
}

function turn(by) {
  location.hash = Math.min(Math.max(shown() + by, 1), slides.length);
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
