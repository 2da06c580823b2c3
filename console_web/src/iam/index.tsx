import type { NavEntry, Route } from "../router";
import { CreateRolePage } from "./create_role";
import { RolePage } from "./role";
import { RolesPage } from "./roles";

export const nav: NavEntry[] = [
  { title: "Roles", path: "/iam/roles" },
  { title: "Create role", path: "/iam/create-role" },
];

export const routes: Route[] = [
  { path: "/iam", title: "Roles", render: () => <RolesPage /> },
  { path: "/iam/roles", title: "Roles", render: () => <RolesPage /> },
  { path: "/iam/create-role", title: "Create role", render: () => <CreateRolePage /> },
  { path: "/iam/roles/:role", title: "Role", render: ({ role = "" }) => <RolePage name={role} /> },
];
