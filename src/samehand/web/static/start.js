// Everything here makes the pages quicker and nicer; without it they are plain forms.

import { startAsking } from "./ask.js";
import { startDrops } from "./drop.js";
import { startViewers } from "./viewer.js";

startDrops(document);
startViewers(document);
startAsking(document, startViewers);
