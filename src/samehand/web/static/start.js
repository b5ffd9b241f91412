// Everything here makes the pages quicker and nicer; without it they are plain forms.

import { startAsking } from "./ask.js";
import { startDrops } from "./drop.js";
import { startMap } from "./map.js";
import { startPicking } from "./pick.js";
import { startQueue } from "./queue.js";
import { startViewers } from "./viewer.js";

document.documentElement.classList.add("js");
startDrops(document);
startPicking(document);
startViewers(document);
startAsking(document, startViewers);
startMap(document);
startQueue(document);
