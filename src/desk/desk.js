/* The live page: parts arrive as the server wrote them, and take the place of the old ones. Without this script the page
 * shows what was the case when it was loaded. */
"use strict";

const live = document.querySelector("[data-live]");
const stale = document.getElementById("stale");

// A part that holds the focus keeps it, on the element that leads to the same place.
function place(part) {
  const element = document.getElementById(part.id);
  if (!element) return;
  const focused = element.contains(document.activeElement) && document.activeElement.getAttribute("href");
  element.innerHTML = part.html;
  if (focused) {
    const again = [...element.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === focused);
    if (again) again.focus();
  }
}

function follow() {
  const source = new EventSource(live.dataset.live);
  let waiting = 0;
  const fresh = () => {
    clearTimeout(waiting);
    waiting = 0;
    stale.hidden = true;
  };
  source.addEventListener("open", fresh);
  source.addEventListener("part", (event) => place(JSON.parse(event.data)));
  source.addEventListener("reload", () => location.reload());
  source.addEventListener("ended", () => {
    source.close();
    location.href = "/sign-in";
  });
  source.addEventListener("replaced", () => {
    source.close();
    stale.hidden = false;
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) stale.hidden = false;
    else if (!waiting) waiting = setTimeout(() => { stale.hidden = false; }, 4000);
  });
  addEventListener("pagehide", () => source.close());
}

// What is to be confirmed opens above the page; its own page is the way without this.
async function confirmHere(link) {
  const response = await fetch(link.href);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const title = page.querySelector("h1");
  const section = page.querySelector("main section");
  if (!response.ok || !title || !section) {
    location.href = link.href;
    return;
  }
  const dialog = document.createElement("dialog");
  title.id = "confirm-title";
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(title, section);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    const back = [...document.querySelectorAll("a[href]")].find((a) => a.href === link.href);
    if (back) back.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("a.quiet") && event.target.closest("a.quiet").getAttribute("href") === "/") {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.undo, .state a.button");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  confirmHere(link);
});

// What was done is said once, not again by each reload.
if (location.search && live) history.replaceState(null, "", "/");
if (live) follow();
