/** The areas of the console, in the order of the navigation. */

import type { NavEntry, Route } from "./router";
import * as cloudwatch from "./cloudwatch";
import * as dynamodb from "./dynamodb";
import * as glue from "./glue";
import * as iam from "./iam";
import * as s3 from "./s3";
import * as studio from "./studio";

export interface Area {
  title: string;
  path: string;
  nav: NavEntry[];
  routes: Route[];
}

export const AREAS: Area[] = [
  { title: "DynamoDB", path: "/dynamodb", ...dynamodb },
  { title: "AWS Glue", path: "/glue", ...glue },
  { title: "Amazon S3", path: "/s3", ...s3 },
  { title: "IAM", path: "/iam", ...iam },
  { title: "CloudWatch", path: "/cloudwatch", ...cloudwatch },
  { title: "SageMaker Unified Studio", path: "/studio", ...studio },
];
