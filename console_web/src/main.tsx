/** The page's entry point, which removes the token from the address and renders the app. */

import { render } from "preact";
import { App } from "./app";

// The token is not needed once the page has loaded, so it is removed from the address.
if (window.location.search) window.history.replaceState(null, "", `/${window.location.hash}`);

const root = document.getElementById("app");
if (root) render(<App />, root);
