/** The page: header, navigation, the page of the current address, and the calls behind the clicks. */

import { render } from "preact";
import { App } from "./app";

// The token has done its work when the page is here; it should not stay in the address.
if (window.location.search) window.history.replaceState(null, "", `/${window.location.hash}`);

const root = document.getElementById("app");
if (root) render(<App />, root);
