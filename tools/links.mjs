// Checks that every relative link of the tracked Markdown files leads to a file or folder of the repository, and
// every anchor to a heading of its page. Links to other hosts are not followed.
// usage: node tools/links.mjs
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const tracked = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" }).split("\0").filter(Boolean);
const folders = new Set(["."]);
for (const path of tracked) {
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) folders.add(folder);
}
const known = (path) => tracked.includes(path) || folders.has(path);

/** The text without code, which has no links. Lines stay where they are. */
const blank = (code) => code.replace(/[^\n]/g, " ");
const prose = (text) =>
  text
    .replace(/^( *)(```+|~~~+)[^\n]*\n[\s\S]*?^\1\2 *$/gm, blank)
    .replace(/(`+)(?!`)[^\n]*?[^`]\1(?!`)/g, blank);

/** The anchors of a page, as GitHub makes them from its headings: the second of the same name ends in -1. */
const anchors = new Map();
function anchorsOf(path) {
  if (anchors.has(path)) return anchors.get(path);
  const found = new Set();
  const text = readFileSync(path, "utf8").replace(/^( *)(```+|~~~+)[^\n]*\n[\s\S]*?^\1\2 *$/gm, blank);
  for (const [, heading] of text.matchAll(/^#{1,6} +(.*?) *#*$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");
    const slug = plain.toLowerCase().replace(/[^\p{L}\p{N}\p{M} _-]/gu, "").replaceAll(" ", "-");
    let name = slug;
    for (let again = 1; found.has(name); again++) name = `${slug}-${again}`;
    found.add(name);
  }
  for (const [, name] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) found.add(name);
  anchors.set(path, found);
  return found;
}

let links = 0;
let failed = false;
for (const page of tracked.filter((path) => path.endsWith(".md") && existsSync(path))) {
  const text = prose(readFileSync(page, "utf8"));
  const inline = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const definitions = [...text.matchAll(/^ {0,3}\[[^\]]+\]: *<?([^\s>]+)/gm)];
  for (const { 1: target, index } of [...inline, ...definitions]) {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
    links += 1;
    const [file, anchor] = target.split("#");
    const path = file === "" ? page : normalize(join(dirname(page), decodeURIComponent(file))).replace(/\/$/, "");
    const fail = (what) => {
      console.error(`${page}:${text.slice(0, index).split("\n").length}: ${what}`);
      failed = true;
    };
    if (!known(path)) fail(`no file ${path}`);
    else if (anchor !== undefined && path.endsWith(".md") && !anchorsOf(path).has(anchor)) {
      fail(`no heading #${anchor} in ${path}`);
    }
  }
}
if (links === 0) {
  console.error("links: expected relative links to check, found none");
  failed = true;
}
if (failed) process.exit(1);
console.log(`links: ${links} relative links`);
