/** DynamoDB tables and items, as the DynamoDB API returns them. */

import { all, call, type CallOptions } from "../api";
import type { SortKey } from "../ui";

export type AttributeValue =
  | { S: string } | { N: string } | { B: string } | { BOOL: boolean } | { NULL: true }
  | { M: Item } | { L: AttributeValue[] } | { SS: string[] } | { NS: string[] } | { BS: string[] };

export type Item = Record<string, AttributeValue>;

export interface KeyElement {
  AttributeName: string;
  KeyType: "HASH" | "RANGE";
}

export interface TableDescription {
  TableName: string;
  TableArn: string;
  TableStatus: string;
  ItemCount?: number;
  TableSizeBytes?: number;
  CreationDateTime?: string;
  KeySchema: KeyElement[];
  AttributeDefinitions: { AttributeName: string; AttributeType: "S" | "N" | "B" }[];
  BillingModeSummary?: { BillingMode: string };
}

export async function listTables(options: CallOptions = {}): Promise<string[]> {
  return all<string>("dynamodb", "ListTables", {}, "TableNames", { from: "LastEvaluatedTableName", to: "ExclusiveStartTableName" }, options);
}

export async function describeTable(name: string, options: CallOptions = {}): Promise<TableDescription> {
  return (await call<{ Table: TableDescription }>("dynamodb", "DescribeTable", { TableName: name }, options)).Table;
}

export function keyNames(table: TableDescription): string[] {
  const order = (element: KeyElement): number => (element.KeyType === "HASH" ? 0 : 1);
  return [...table.KeySchema].sort((a, b) => order(a) - order(b)).map((element) => element.AttributeName);
}

export function keyOf(table: TableDescription, item: Item): Item {
  return Object.fromEntries(keyNames(table).map((name) => [name, item[name] ?? { NULL: true }]));
}

/** The parameters of UpdateItem, except the table. */
export interface Update {
  Key: Item;
  UpdateExpression: string;
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Item;
}

/**
 * Return the update that turns one item into another, or undefined if the items are equal.
 * The update changes only the attributes that differ, and only if they still have the values that were read.
 * Throw an error if the key differs, because DynamoDB cannot change a key.
 */
export function updateOf(table: TableDescription, before: Item, after: Item): Update | undefined {
  const same = (left: AttributeValue | undefined, right: AttributeValue | undefined): boolean => JSON.stringify(left) === JSON.stringify(right);
  const keys = keyNames(table);
  if (keys.some((name) => !same(before[name], after[name]))) {
    throw new Error("The key of an item cannot change. Create an item with the new key, and delete this item.");
  }
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !same(before[name], after[name]));
  if (changed.length === 0) return undefined;
  const names: Record<string, string> = { "#key": keys[0] ?? "" };
  const values: Item = {};
  const sets: string[] = [];
  const removes: string[] = [];
  const conditions = ["attribute_exists(#key)"];
  for (const [place, name] of changed.entries()) {
    names[`#a${place}`] = name;
    const [old, wanted] = [before[name], after[name]];
    if (old) values[`:old${place}`] = old;
    conditions.push(old ? `#a${place} = :old${place}` : `attribute_not_exists(#a${place})`);
    if (wanted) {
      values[`:new${place}`] = wanted;
      sets.push(`#a${place} = :new${place}`);
    } else removes.push(`#a${place}`);
  }
  return {
    Key: keyOf(table, before),
    UpdateExpression: [sets.length > 0 ? `SET ${sets.join(", ")}` : "", removes.length > 0 ? `REMOVE ${removes.join(", ")}` : ""].filter(Boolean).join(" "),
    ConditionExpression: conditions.join(" AND "),
    ExpressionAttributeNames: names,
    // The map is never empty, because each changed attribute has an old value, a new value or both.
    ExpressionAttributeValues: values,
  };
}

/** Return a value's sort key. Missing values precede numbers, which are sorted by their values, and numbers precede all other values. */
export function sortKey(value: AttributeValue | undefined): SortKey {
  if (value === undefined) return Number.NEGATIVE_INFINITY;
  if (!("N" in value)) return shown(value);
  return /^-?\d+$/.test(value.N) ? BigInt(value.N) : Number(value.N);
}

const SCALARS = new Set(["S", "N", "B"]);

/** Return a value as one line of text. Strings, numbers and binary values are unchanged, and all other values are JSON. */
export function shown(value: AttributeValue | undefined): string {
  if (value === undefined) return "";
  const [[kind, content] = ["", ""]] = Object.entries(value) as [string, unknown][];
  if (SCALARS.has(kind)) return String(content);
  return JSON.stringify(plain(value));
}

/** A list shows at most this many characters of each value, because an item can be 400 KB in size. */
const MOST_SHOWN = 300;

/** Return a value as one line of text, truncated if it is long. The item's form shows the whole value. */
export function brief(value: AttributeValue | undefined): string {
  const whole = shown(value);
  return whole.length > MOST_SHOWN ? `${whole.slice(0, MOST_SHOWN)}… (${whole.length.toLocaleString("en-US")} characters)` : whole;
}

/** Return a value without its type descriptors. Numbers that JavaScript would round remain text. */
export function plain(value: AttributeValue): unknown {
  if ("S" in value) return value.S;
  if ("B" in value) return value.B;
  if ("N" in value) return String(Number(value.N)) === value.N ? Number(value.N) : value.N;
  if ("BOOL" in value) return value.BOOL;
  if ("NULL" in value) return null;
  if ("L" in value) return value.L.map(plain);
  if ("M" in value) return Object.fromEntries(Object.entries(value.M).map(([name, each]) => [name, plain(each)]));
  if ("NS" in value) return value.NS;
  return "SS" in value ? value.SS : value.BS;
}

export type FormType = "S" | "N" | "BOOL" | "NULL" | "M" | "L" | "SS" | "NS" | "B" | "BS";

export const TYPES: { value: FormType; label: string }[] = [
  { value: "S", label: "String" }, { value: "N", label: "Number" }, { value: "BOOL", label: "Boolean" }, { value: "NULL", label: "Null" },
  { value: "M", label: "Map" }, { value: "L", label: "List" }, { value: "SS", label: "String set" }, { value: "NS", label: "Number set" },
  { value: "B", label: "Binary" }, { value: "BS", label: "Binary set" },
];

/** Functions that return whether a content is valid for a type. */
const CONTENTS: Record<FormType, (content: unknown) => boolean> = {
  S: isText, N: isText, B: isText,
  BOOL: (content) => typeof content === "boolean",
  NULL: (content) => content === true,
  SS: isTexts, NS: isTexts, BS: isTexts,
  L: (content) => Array.isArray(content) && content.every(isValue),
  M: (content) => isMap(content) && Object.values(content).every(isValue),
};

function isText(content: unknown): boolean {
  return typeof content === "string";
}

function isTexts(content: unknown): boolean {
  return Array.isArray(content) && content.every(isText);
}

function isMap(content: unknown): content is Record<string, unknown> {
  return typeof content === "object" && content !== null && !Array.isArray(content);
}

function isValue(value: unknown): value is AttributeValue {
  if (!isMap(value)) return false;
  const [[type, content] = ["", undefined], ...others] = Object.entries(value);
  return others.length === 0 && Object.hasOwn(CONTENTS, type) && CONTENTS[type as FormType](content);
}

/** Return the item that a text in DynamoDB JSON contains. If the text is not valid, throw an error that explains why. */
export function itemFrom(text: string): Item {
  const item: unknown = JSON.parse(text);
  if (!isMap(item)) throw new Error("An item is a JSON object that contains attributes.");
  return Object.fromEntries(Object.entries(item).map(([name, value]) => {
    if (!isValue(value)) throw new Error(`${name}: The value must be DynamoDB JSON, such as {"S": "text"} or {"N": "5"}.`);
    return [name, value];
  }));
}

export function typeOf(value: AttributeValue): FormType {
  return (Object.keys(value)[0] ?? "S") as FormType;
}

/** Return the text that a form shows for editing a value. Maps, lists and sets are edited as DynamoDB JSON. */
export function formText(value: AttributeValue): string {
  const content: unknown = Object.values(value)[0];
  return typeof content === "string" ? content : JSON.stringify(content);
}

/** Examples of the types that a form edits as DynamoDB JSON. */
const EXAMPLES = {
  M: '{"name": {"S": "text"}}', L: '[{"S": "text"}, {"N": "5"}]', SS: '["a", "b"]', NS: '["1", "2.5"]', BS: '["AP8="]',
};

/** Return the value that a form's text represents. If the text is not valid, throw an error that explains why. */
export function fromForm(type: FormType, text: string): AttributeValue {
  switch (type) {
    case "S": return { S: text };
    case "B": return { B: text };
    case "N":
      if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text.trim())) throw new Error(`${JSON.stringify(text)} is not a number.`);
      return { N: text.trim() };
    case "BOOL":
      if (text !== "true" && text !== "false") throw new Error("A Boolean must be true or false.");
      return { BOOL: text === "true" };
    case "NULL": return { NULL: true };
    default: {
      const value: unknown = { [type]: JSON.parse(text) as unknown };
      if (!isValue(value)) throw new Error(`The value must be DynamoDB JSON, such as ${EXAMPLES[type]}.`);
      return value;
    }
  }
}
