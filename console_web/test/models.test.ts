import { describe, expect, it } from "vitest";
import {
  fromForm, formText, itemFrom, plain, shown, sortKey, typeOf, updateOf, type AttributeValue, type Item, type TableDescription,
} from "../src/dynamodb/model";
import { schemaHistory } from "../src/glue/iceberg";
import { EMPTY, partitionSpec, problems } from "../src/glue/wizard_model";

const VALUES: AttributeValue[] = [
  { S: "" }, { S: "<b>" }, { N: "123456789012345678901234567890.12" }, { N: "-1e-10" }, { BOOL: false }, { NULL: true }, { B: "AP8=" },
  { M: { a: { N: "1" }, b: { L: [{ S: "x" }, { NULL: true }] } } }, { L: [] }, { SS: ["a", "b"] }, { NS: ["1", "2.50"] }, { BS: ["AA=="] },
];

describe("items", () => {
  it.each(VALUES)("do not change when the form shows and reads them: %j", (value) => {
    expect(fromForm(typeOf(value), formText(value))).toEqual(value);
  });
  it("keep the digits of numbers that JavaScript would round", () => {
    expect(shown({ N: "9007199254740993" })).toBe("9007199254740993");
    expect(plain({ N: "9007199254740993" })).toBe("9007199254740993");
    expect(plain({ N: "12" })).toBe(12);
  });
  it.each(["", "1,5", "NaN", "0x10", "--1", "1e"])("reject %j as a number", (text) => {
    expect(() => fromForm("N", text)).toThrow("not a number");
  });
  it.each([
    ["M", '{"a": 1}'], ["M", "[]"], ["L", '["a"]'], ["L", '{"S": "a"}'], ["SS", "[1]"], ["SS", '"a"'], ["NS", "[1, 2]"], ["BS", "null"],
  ] as const)("reject a value of type %s that is not DynamoDB JSON: %s", (type, text) => {
    expect(() => fromForm(type, text)).toThrow("must be DynamoDB JSON");
  });
});

describe("itemFrom", () => {
  it("returns the item that a text contains", () => {
    const item = Object.fromEntries(VALUES.map((value, place) => [`a${place}`, value]));
    expect(itemFrom(JSON.stringify(item))).toEqual(item);
  });
  it.each(["[]", "null", "5", '"text"'])("rejects %s, which is not an object", (text) => {
    expect(() => itemFrom(text)).toThrow("An item is a JSON object");
  });
  it.each([
    '"text"', "5", "null", "[]", "{}", '{"S": 5}', '{"N": 5}', '{"BOOL": "true"}', '{"NULL": false}', '{"SS": "a"}', '{"NS": [1]}',
    '{"L": [5]}', '{"M": {"b": 5}}', '{"S": "a", "N": "5"}', '{"X": "a"}', '{"toString": "a"}',
  ])("rejects the value %s and names its attribute", (value) => {
    expect(() => itemFrom(`{"plan": ${value}}`)).toThrow("plan: The value must be DynamoDB JSON");
  });
});

describe("sortKey", () => {
  it("distinguishes integers that JavaScript would round, and compares them with fractions", () => {
    const [large, larger, fraction] = ["9007199254740992", "9007199254740993", "9.5"].map((N) => sortKey({ N })) as [bigint, bigint, number];
    expect(large < larger).toBe(true);
    expect(fraction < large).toBe(true);
    expect(fraction < (sortKey({ N: "10" }) as bigint)).toBe(true);
  });
  it("is a number for a missing value, so that it precedes all texts", () => {
    expect(sortKey(undefined)).toBe(Number.NEGATIVE_INFINITY);
    expect(sortKey({ S: "" })).toBe("");
  });
});

describe("updateOf", () => {
  const table = {
    TableName: "Things", KeySchema: [{ AttributeName: "id", KeyType: "HASH" }], AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  } as TableDescription;
  const before: Item = { id: { S: "a" }, kept: { N: "1" }, changed: { S: "old" }, removed: { BOOL: true } };

  it("changes only the attributes that differ, and only if they have the values that were read", () => {
    expect(updateOf(table, before, { id: { S: "a" }, kept: { N: "1" }, changed: { S: "new" }, added: { NULL: true } })).toEqual({
      Key: { id: { S: "a" } },
      UpdateExpression: "SET #a0 = :new0, #a2 = :new2 REMOVE #a1",
      ConditionExpression: "attribute_exists(#key) AND #a0 = :old0 AND #a1 = :old1 AND attribute_not_exists(#a2)",
      ExpressionAttributeNames: { "#key": "id", "#a0": "changed", "#a1": "removed", "#a2": "added" },
      ExpressionAttributeValues: { ":old0": { S: "old" }, ":new0": { S: "new" }, ":old1": { BOOL: true }, ":new2": { NULL: true } },
    });
  });
  it("is undefined for equal items, and rejects a different key", () => {
    expect(updateOf(table, before, { ...before })).toBeUndefined();
    expect(() => updateOf(table, before, { ...before, id: { S: "b" } })).toThrow("The key of an item cannot change.");
  });
});

describe("the wizard", () => {
  it("lists the missing fields of each step", () => {
    expect(Object.keys(problems(EMPTY, 2))).toEqual(["table", "database", "role"]);
    expect(Object.keys(problems({ ...EMPTY, partitioning: "custom", tableArn: "t", databaseArn: "d", roleArn: "r" }, 2))).toEqual(["keys"]);
  });
  it.each(["", "1a", "a--b", "a-", "a_b", "a".repeat(64)])("refuses the name %j", (name) => {
    expect(problems({ ...EMPTY, name }, 3)).toHaveProperty("name");
  });
  it.each(["14", "8641", "15.5", ""])("rejects an interval of %j minutes", (refresh) => {
    expect(problems({ ...EMPTY, name: "a", refresh }, 3)).toHaveProperty("refresh");
  });
  it("adds a time format to time functions only, as the API requires", () => {
    const keys = [{ field: "State", transform: "identity", conversion: "iso" }, { field: "Paid", transform: "month", conversion: "epoch_sec" }];
    expect(partitionSpec({ ...EMPTY, partitioning: "custom", keys })).toEqual([
      { FieldName: "State", FunctionSpec: "identity" }, { FieldName: "Paid", FunctionSpec: "month", ConversionSpec: "epoch_sec" },
    ]);
    expect(partitionSpec({ ...EMPTY, keys })).toEqual([]);
  });
});

describe("schemaHistory", () => {
  const field = (id: number, name: string, type = "string") => ({ id, name, type, required: false });
  it("distinguishes fields by their ids", () => {
    const schemas = [
      { "schema-id": 0, fields: [field(1, "a"), field(2, "b")] },
      { "schema-id": 1, fields: [field(1, "a"), field(2, "b2"), field(3, "c")] },
      { "schema-id": 2, fields: [field(2, "b2", "int"), field(3, "c"), field(4, "a")] },
    ];
    expect(schemaHistory(schemas).map((change) => change.text)).toEqual([
      "changed b2 from string to int; added a (string); dropped a", "renamed b to b2; added c (string)", "2 columns",
    ]);
  });
});
