// A picture from a file or from the computer's own camera, sent to the broker.

import { word } from "./words.js";

const camera = document.querySelector("#camera");
const drop = document.querySelector(".drop");
const file = document.querySelector("#file");
const start = document.querySelector("#start");
const video = document.querySelector("#video");
const said = document.querySelector("#said");
const tiles = document.querySelector("[data-only]");
const token = document.querySelector("meta[name=token]").content;
const PERIOD = 1000; // milliseconds between two pictures of the camera
const WIDEST = 1280;
const BUSY = [429, 503]; // the camera goes on: the next picture may have a place

function say(words, wrong = false) {
  if (said.textContent !== words) said.textContent = words;
  said.classList.toggle("error", wrong);
}

async function send(blob) {
  if (!camera.reportValidity()) return false;
  const limit = Number(drop.dataset.limit);
  if (blob.size > limit << 20) {
    say(word("too-large", { number: limit }), true);
    return false;
  }
  try {
    const answer = await fetch(`/send?camera=${encodeURIComponent(camera.value)}`, {
      method: "POST",
      headers: { "X-Token": token, "Content-Type": "application/octet-stream" },
      body: blob,
    });
    say(await answer.text(), !answer.ok);
    return answer.ok || BUSY.includes(answer.status);
  } catch {
    say(word("not-taken"), true);
    return false;
  }
}

async function sendFile(chosen) {
  if (!chosen) return;
  say(word("sending", { name: chosen.name }));
  await send(chosen);
}

camera.addEventListener("change", () => {
  tiles.dataset.only = camera.value;
  tiles.dispatchEvent(new Event("only"));
});
file.addEventListener("change", async () => {
  await sendFile(file.files[0]);
  file.value = ""; // so that the same one can be chosen again
});
for (const name of ["dragenter", "dragover"])
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
for (const name of ["dragleave", "drop"])
  drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  sendFile(event.dataTransfer.files[0]);
});

// ---- the computer's camera

let stream = null;

async function open() {
  if (!navigator.mediaDevices) {
    say(word("no-camera"), true);
    return;
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDEST } } });
  } catch (error) {
    say(word("not-granted", { why: error.message }), true);
    return;
  }
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  start.textContent = word("stop");
  take();
}

function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.hidden = true;
  start.textContent = word("start");
}

async function take() {
  const canvas = document.createElement("canvas");
  while (stream) {
    const begun = performance.now();
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    if (stream && !(await send(blob))) close();
    const rest = PERIOD - (performance.now() - begun);
    await new Promise((done) => setTimeout(done, Math.max(0, rest)));
  }
}

start.addEventListener("click", () => (stream ? close() : open()));
addEventListener("pagehide", close);
