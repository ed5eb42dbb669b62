// Takes the token of a desk's link, which stands behind the # and so in no log.

import { word } from "/static/words.js";

const said = document.querySelector("#said");
const link = location.hash.slice(1);

async function enter() {
  history.replaceState(null, "", location.pathname); // nor in the history
  const token = document.querySelector("meta[name=token]").content;
  const answer = await fetch("/desk/enter", {
    method: "POST",
    body: new URLSearchParams({ token, link }),
  }).catch(() => null);
  if (answer?.ok) location.replace("/desk");
  else said.textContent = answer ? await answer.text() : word("cut");
}

if (link) enter();
