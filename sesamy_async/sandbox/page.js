// Keeps the page up to date; without it, the page is reloaded by hand.
"use strict";

const EVERY = 1000; // milliseconds
const notice = document.getElementById("notice");

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const newer = fresh.getElementById(part.id);
    const active = document.activeElement;
    // A list that is open, or being read with the keyboard, stays.
    if (!newer || part === active || part.innerHTML === newer.innerHTML) {
      continue;
    }
    const focused = part.contains(active) ? active.id : "";
    const chosen = part.value;
    part.replaceChildren(...newer.childNodes);
    if ([...(part.options || [])].some((each) => each.value === chosen)) {
      part.value = chosen;
    }
    if (focused) {
      document.getElementById(focused)?.focus();
    }
  }
  return fresh.getElementById("notice").textContent;
}

function say(text, bad) {
  notice.textContent = text;
  notice.classList.toggle("bad", bad);
}

function stale(is) {
  if (is !== document.body.classList.contains("stale")) {
    document.body.classList.toggle("stale", is);
    say(is ? "The sandbox does not respond; this page is out of date." : "", is);
  }
}

async function refresh() {
  const began = Date.now();
  if (!document.hidden) {
    try {
      show(await (await fetch("/")).text());
      stale(false);
    } catch {
      stale(true);
    }
  }
  // A large ledger takes a while, and other requests wait for it.
  setTimeout(refresh, Math.max(EVERY, 10 * (Date.now() - began)));
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  const body = new URLSearchParams(new FormData(event.target, button));
  try {
    const answer = await fetch(event.target.action, { method: "POST", body });
    const problem = show(await answer.text());
    say(problem || `Done: ${button.textContent}.`, !answer.ok);
  } catch {
    stale(true);
  }
});

setTimeout(refresh, EVERY);
