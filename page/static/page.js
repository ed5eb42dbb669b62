// Live tiles: what the server says is put in place, pictures are loaded a few at a time.

import { word } from "./words.js";

const list = document.querySelector("[data-live]");
const banner = document.querySelector(".trouble");
const LOADS = 4; // pictures on their way at a time
const REST = 100; // milliseconds between two: ten a second, however many cameras
let ahead = 0; // how far the server's clock is ahead of ours, in seconds

function setClock(now) {
  ahead = now - Date.now() / 1000;
}

function say(words) {
  // Set only when it changes: screen readers read every change.
  if (banner.textContent !== words) banner.textContent = words;
}

// ---- tiles

const byName = new Map();
const waiting = new Map(); // name -> address of the picture to show next
let loading = 0;
let restUntil = 0;

function put(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.firstElementChild;
  const name = fresh.dataset.pi;
  const old = byName.get(name);
  byName.set(name, fresh);
  if (!old) {
    fresh.classList.add("new");
    place(fresh, name);
    return name;
  }
  const image = fresh.querySelector("img");
  const wanted = image.getAttribute("src");
  const shown = old.querySelector("img");
  const focused = old.contains(document.activeElement) && document.activeElement.href;
  image.replaceWith(shown);
  old.replaceWith(fresh);
  if (focused) [...fresh.querySelectorAll("a:not(.picture)")].find(({ href }) => href === focused)?.focus({ preventScroll: true });
  if (shown.getAttribute("src") !== wanted) want(name, wanted);
  return name;
}

function place(tile, name) {
  const after = [...list.children].find((each) => each.dataset.pi > name);
  list.insertBefore(tile, after ?? null);
}

function want(name, address) {
  waiting.delete(name); // to the end of the line: each camera in turn
  waiting.set(name, address);
  load();
}

function load() {
  if (document.hidden || loading >= LOADS || !waiting.size) return;
  const pause = restUntil - performance.now();
  if (pause > 0) {
    setTimeout(load, pause);
    return;
  }
  const next = [...waiting].find(([name]) => inSight(byName.get(name)));
  if (!next) return;
  const [name, address] = next;
  waiting.delete(name);
  loading += 1;
  restUntil = performance.now() + REST;
  const image = new Image(640, 360);
  image.alt = "";
  const done = () => {
    // Also where there is none: the last one must not stay under another status.
    byName.get(name)?.querySelector("img")?.replaceWith(image);
    loading -= 1;
    load();
  };
  image.onload = done;
  image.onerror = done;
  image.src = address;
  load();
}

function inSight(tile) {
  const box = tile.getBoundingClientRect();
  return box.bottom > -200 && box.top < innerHeight + 200;
}

// ---- ages

function age(seconds) {
  if (seconds < -2) return word("ahead", { number: Math.round(-seconds) });
  if (seconds < 2) return word("now");
  if (seconds < 120) return word("seconds", { number: Math.floor(seconds) });
  if (seconds < 7200) return word("minutes", { number: Math.floor(seconds / 60) });
  if (seconds < 172800) return word("hours", { number: Math.floor(seconds / 3600) });
  return word("days", { number: Math.floor(seconds / 86400) });
}

function showAges() {
  const now = Date.now() / 1000 + ahead;
  for (const tile of list.children) {
    if (!tile.dataset.time) continue;
    const seconds = now - tile.dataset.time;
    const time = tile.querySelector("time");
    const words = age(seconds);
    if (time.textContent !== words) time.textContent = words;
    tile.classList.toggle("stale", seconds > tile.dataset.patience);
  }
}

// ---- silent cameras: the server says which they are

function showSilent(lines) {
  const part = document.querySelector("[data-silent]");
  if (!part) return;
  const template = document.createElement("template");
  template.innerHTML = lines.join("");
  for (const { dataset } of template.content.children) {
    byName.get(dataset.pi)?.remove();
    byName.delete(dataset.pi);
    waiting.delete(dataset.pi);
  }
  part.hidden = !lines.length;
  const ul = part.querySelector("ul");
  if (ul.innerHTML !== template.innerHTML) ul.replaceChildren(template.content);
}

// ---- news

function showNumbers(html) {
  const place = document.querySelector("[data-numbers]");
  if (place && place.innerHTML !== html) place.innerHTML = html;
}

function keepOnly(names) {
  for (const [name, tile] of byName) {
    if (names.has(name) || name === list.dataset.only) continue;
    byName.delete(name);
    waiting.delete(name);
    tile.remove();
  }
}

let source = null;

function follow() {
  source?.close();
  const { only, part = "" } = list.dataset;
  const shown = only === undefined ? { from: part } : { only };
  source = new EventSource(`/live?${new URLSearchParams(shown)}`);
  source.onmessage = ({ data }) => {
    const news = JSON.parse(data);
    setClock(news.now);
    say(news.trouble);
    const names = news.tiles.map(put);
    if (news.whole) keepOnly(new Set(names));
    showSilent(news.silent);
    showNumbers(news.numbers);
    showAges();
  };
  source.onerror = () => {
    say(word("cut"));
    // A browser gives up for good on an answer that is no stream, such as the login.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  };
}

// ---- parts that are asked for again and again

async function refresh(part) {
  // One that is not shown need not be new.
  if (document.hidden || !part.offsetParent || part.contains(document.activeElement)) return;
  const answer = await fetch(part.dataset.refresh || location.href).catch(() => null);
  say(answer ? "" : word("cut"));
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  part.replaceChildren(...fresh.querySelector("[data-refresh]").childNodes);
  say(fresh.querySelector(".trouble").textContent);
}

// A screen on a wall: nobody is there to load a page that has grown old.
if (document.body.dataset.kiosk !== undefined) setTimeout(() => location.reload(), 600000);
setClock(Number(document.body.dataset.now));
const again = document.querySelector("[data-refresh]");
if (again) setInterval(() => refresh(again), 5000);
if (list) {
  for (const tile of list.children) byName.set(tile.dataset.pi, tile);
  showAges();
  setInterval(showAges, 1000);
  addEventListener("scroll", load, { passive: true });
  document.addEventListener("visibilitychange", load);
  list.addEventListener("only", () => {
    list.replaceChildren();
    byName.clear();
    follow();
  });
  addEventListener("pagehide", () => source.close());
  follow();
}
