/** The values that the wizard collects, and the calls that it makes with them. */

import { call, type LabNames } from "../api";
import { put } from "./model";

export interface PartitionKey {
  field: string;
  transform: string;
  conversion: string;
}

export interface Draft {
  source: "dynamodb";
  tableArn: string;
  databaseArn: string;
  roleArn: string;
  unnest: "FULL" | "TOPLEVEL" | "NOUNNEST";
  partitioning: "default" | "custom";
  keys: PartitionKey[];
  targetTable: string;
  encryption: "aws" | "kms";
  kmsKey: string;
  name: string;
  description: string;
  refresh: string;
}

export const EMPTY: Draft = {
  source: "dynamodb", tableArn: "", databaseArn: "", roleArn: "", unnest: "FULL", partitioning: "default", keys: [],
  targetTable: "", encryption: "aws", kmsKey: "", name: "", description: "", refresh: "15",
};

export const UNNEST: { value: Draft["unnest"]; label: string; hint: string }[] = [
  { value: "FULL", label: "Unnest all fields", hint: "FULL: each leaf of a map becomes a column." },
  { value: "TOPLEVEL", label: "Unnest top-level fields only", hint: "TOPLEVEL: each attribute becomes a column." },
  { value: "NOUNNEST", label: "Do not unnest fields", hint: "NOUNNEST: the column named value contains all attributes except the key." },
];

export const TRANSFORMS = ["identity", "year", "month", "day", "hour"];
export const CONVERSIONS = ["epoch_sec", "epoch_milli", "iso"];

const NAME = /^[a-zA-Z][a-zA-Z0-9-]{0,62}$/;

/** Return a message for each invalid field of a step. The result is empty if the step is complete. */
export function problems(draft: Draft, step: number): Record<string, string> {
  const found: Record<string, string> = {};
  if (step === 2) {
    if (!draft.tableArn) found["table"] = "Choose the source table.";
    if (!draft.databaseArn) found["database"] = "Choose the target database.";
    if (!draft.roleArn) found["role"] = "Choose the role that AWS Glue uses to write to the target.";
    if (draft.partitioning === "custom" && (draft.keys.length === 0 || draft.keys.some((key) => !key.field))) {
      found["keys"] = "Custom partitioning needs at least one key, and every key needs a field.";
    }
  }
  if (step === 3) {
    if (!NAME.test(draft.name) || draft.name.endsWith("-") || draft.name.includes("--")) {
      found["name"] = "Use 1 to 63 letters, digits and hyphens. Start with a letter. Don't use two hyphens in a row or a hyphen at the end.";
    }
    const minutes = Number(draft.refresh);
    if (!Number.isInteger(minutes) || minutes < 15 || minutes > 8640) found["refresh"] = "Enter 15 to 8640 minutes.";
    if (draft.encryption === "kms" && !draft.kmsKey) found["kmsKey"] = "Enter the key's ID, ARN or alias.";
  }
  return found;
}

export interface PartitionSpec {
  FieldName: string;
  FunctionSpec: string;
  ConversionSpec?: string;
}

/** Return the partition spec in the form that the AWS Glue API expects. */
export function partitionSpec(draft: Draft): PartitionSpec[] {
  if (draft.partitioning === "default") return [];
  return draft.keys.map(({ field, transform, conversion }) => ({
    FieldName: field, FunctionSpec: transform, ...(transform !== "identity" && conversion ? { ConversionSpec: conversion } : {}),
  }));
}

/** Make the three calls in the order that AWS requires. */
export async function launch(draft: Draft, lab: LabNames): Promise<void> {
  const tags = Object.entries(lab.tags).map(([key, value]) => ({ key, value }));
  const table = draft.tableArn.split("/").pop() ?? "";
  await put(
    "IntegrationResourceProperty", { ResourceArn: draft.databaseArn }, { TargetProcessingProperties: { RoleArn: draft.roleArn } },
    { Tags: tags }, "zetl.integration.set_target_role(lab)",
  );
  const spec = partitionSpec(draft);
  await put(
    "IntegrationTableProperties", { ResourceArn: draft.databaseArn, TableName: table },
    { TargetTableConfig: {
      UnnestSpec: draft.unnest, TargetTableName: draft.targetTable || table.toLowerCase(), ...(spec.length ? { PartitionSpec: spec } : {}),
    } }, {}, "zetl.integration.set_table_properties(lab)",
  );
  await call("glue", "CreateIntegration", {
    IntegrationName: draft.name, ...(draft.description ? { Description: draft.description } : {}),
    SourceArn: draft.tableArn, TargetArn: draft.databaseArn, IntegrationConfig: { RefreshInterval: draft.refresh },
    ...(draft.encryption === "kms" ? { KmsKeyId: draft.kmsKey } : {}), Tags: tags,
  }, { helper: "zetl.integration.create(lab)" });
}
