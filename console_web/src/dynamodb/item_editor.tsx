import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { ApiError, call } from "../api";
import { useAction } from "../hooks";
import { Button, Editor, ErrorBox, Modal, SelectField, Tabs, TextAreaField, TextField } from "../ui";
import { formText, fromForm, itemFrom, keyNames, TYPES, typeOf, updateOf, type FormType, type Item, type TableDescription } from "./model";

const ONE_LINE = 200;

interface Field {
  /** Identifies the field when its name or its position changes. */
  id: number;
  name: string;
  type: FormType;
  text: string;
}

let last = 0;

function newField(name: string, type: FormType, text: string): Field {
  last += 1;
  return { id: last, name, type, text };
}

function fieldsOf(table: TableDescription, item: Item): Field[] {
  const keys = keyNames(table);
  const names = [...keys, ...Object.keys(item).filter((name) => !keys.includes(name))];
  return names.map((name) => {
    const value = item[name];
    const declared = table.AttributeDefinitions.find((definition) => definition.AttributeName === name)?.AttributeType ?? "S";
    return newField(name, value ? typeOf(value) : declared, value ? formText(value) : "");
  });
}

function itemOf(fields: Field[]): Item {
  return Object.fromEntries(fields.map((field) => {
    if (!field.name) throw new Error("An attribute has no name.");
    if (fields.some((other) => other !== field && other.name === field.name)) throw new Error(`Two attributes have the name ${field.name}.`);
    try {
      return [field.name, fromForm(field.type, field.text)];
    } catch (error) {
      throw new Error(`${field.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }));
}

const CHANGED = "The item was changed or deleted after you opened it, so nothing was saved. Close the form, run the search again and edit the item again.";
const TAKEN = "The table already has an item with this key, so nothing was saved. Edit that item, or choose another key.";

/** Create an item, or update the attributes that differ from the item that was read. */
async function write(table: TableDescription, item: Item | undefined, wanted: Item): Promise<void> {
  if (item === undefined) {
    await call("dynamodb", "PutItem", {
      TableName: table.TableName, Item: wanted,
      ConditionExpression: "attribute_not_exists(#key)", ExpressionAttributeNames: { "#key": keyNames(table)[0] },
    });
    return;
  }
  const update = updateOf(table, item, wanted);
  if (update) await call("dynamodb", "UpdateItem", { TableName: table.TableName, ...update });
}

interface ItemEditorProps {
  table: TableDescription;
  item: Item | undefined;
  onSaved: () => void;
  onClose: () => void;
}

/** A form that creates or edits an item, attribute by attribute or as DynamoDB JSON. */
export function ItemEditor({ table, item, onSaved, onClose }: ItemEditorProps): VNode {
  const [fields, setFields] = useState(() => fieldsOf(table, item ?? {}));
  const [json, setJson] = useState("");
  const [view, setView] = useState("form");
  const action = useAction();
  const keys = keyNames(table);
  const change = (place: number, changed: Partial<Field>): void =>
    setFields((old) => old.map((field, each) => (each === place ? { ...field, ...changed } : field)));
  const turn = (to: string): void => {
    // Otherwise, a click on the open tab would replace the edits with the values from the other tab.
    if (to === view) return;
    void action.run(async () => {
      if (to === "json") setJson(JSON.stringify(itemOf(fields), null, 2));
      else setFields(fieldsOf(table, itemFrom(json)));
      setView(to);
      return Promise.resolve();
    });
  };
  const save = async (): Promise<void> => {
    const wanted = view === "json" ? itemFrom(json) : itemOf(fields);
    try {
      await write(table, item, wanted);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "ConditionalCheckFailedException") throw error;
      throw new ApiError(error.code, item ? CHANGED : TAKEN);
    }
    onSaved();
  };
  return (
    <Modal
      title={item ? "Edit item" : "Create item"} wide onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button primary busy={action.busy} onClick={() => void action.run(save)}>{item ? "Save item" : "Create item"}</Button>
        </>
      }
    >
      <Tabs
        label="View" selected={view} onSelect={turn}
        tabs={[
          { id: "form", title: "Form", render: () => (
            <>
              {fields.map((field, place) => (
                <AttributeRow
                  key={field.id} field={field} fixed={keys.includes(field.name) && place < keys.length} locked={item !== undefined}
                  onChange={(changed) => change(place, changed)}
                  onRemove={() => setFields((old) => old.filter((_, each) => each !== place))}
                />
              ))}
              <Button onClick={() => setFields((old) => [...old, newField("", "S", "")])}>Add new attribute</Button>
            </>
          ) },
          { id: "json", title: "JSON", render: () => <Editor label="Item as DynamoDB JSON" language="json" value={json} onChange={setJson} /> },
        ]}
      />
      <ErrorBox error={action.error} />
    </Modal>
  );
}

interface RowProps {
  field: Field;
  fixed: boolean;
  locked: boolean;
  onChange: (changed: Partial<Field>) => void;
  onRemove: () => void;
}

function AttributeRow({ field, fixed, locked, onChange, onRemove }: RowProps): VNode {
  // A single-line field would remove line breaks. The kind of field does not change during editing.
  const [long] = useState(() => field.text.length > ONE_LINE || /[\r\n]/.test(field.text));
  return (
    <div class="row">
      {!fixed && <TextField label="Attribute name" value={field.name} onChange={(name) => onChange({ name })} />}
      {long ? (
        <TextAreaField label={field.name || "Value"} value={field.text} disabled={fixed && locked} rows={4} onChange={(text) => onChange({ text })} />
      ) : (
        <TextField
          label={field.name || "Value"} value={field.text} disabled={fixed && locked} hint={fixed ? "Key" : undefined}
          onChange={(text) => onChange({ text })}
        />
      )}
      {!fixed && (
        <SelectField label={`Type of ${field.name || "the new attribute"}`} value={field.type} options={TYPES} onChange={(type) => onChange({ type: type as FormType })} />
      )}
      {!fixed && <p><Button label={`Remove ${field.name || "the new attribute"}`} onClick={onRemove}>Remove</Button></p>}
    </div>
  );
}
