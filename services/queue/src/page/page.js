"use strict";

const MOST_CARDS = 200;
const FIGURES_EVERY_MS = 2000;
const LANES = {
  scheduled: "waiting", ready: "waiting", failed: "waiting", active: "active",
  succeeded: "succeeded", dead: "ended", cancelled: "ended",
};
const FINAL = ["succeeded", "dead", "cancelled"];
const element = (id) => document.getElementById(id);

/* Jobs: one card each, in the lane of its state. */

const cards = new Map();

function card(id, kind) {
  let job = cards.get(id);
  if (!job) {
    const box = document.createElement("li");
    box.className = "job";
    box.dataset.id = id;
    const line = (name, tag = "span") => {
      const made = document.createElement(tag);
      made.className = name;
      box.append(made, " ");
      return made;
    };
    job = { id, box, name: line("name"), about: line("about"), bar: line("", "progress"), said: line("said"), cancel: line("", "button"), state: null, mine: false };
    job.bar.max = 1;
    job.bar.hidden = true;
    job.bar.setAttribute("aria-label", `progress of job ${id}`);
    job.cancel.type = "button";
    job.cancel.textContent = "Cancel";
    job.cancel.setAttribute("aria-label", `Cancel job ${id}`);
    job.cancel.hidden = true;
    job.cancel.addEventListener("click", () => say({ command: "cancel", id }));
    cards.set(id, job);
    forgetOldest();
  }
  if (kind) job.name.textContent = kind;
  return job;
}

function move(job, state) {
  if (job.state === state) return;
  job.state = state;
  job.box.dataset.state = state;
  const final = FINAL.includes(state);
  job.about.textContent = `#${job.id.slice(-6)} ${state}`;
  job.cancel.hidden = final || !job.mine;
  if (final || state !== "active") job.bar.hidden = true;
  const lane = element(LANES[state]);
  const held = document.activeElement === job.cancel && !job.cancel.hidden;
  lane.querySelector("ol").prepend(job.box);
  if (held) job.cancel.focus();
  job.box.classList.remove("moved");
  void job.box.offsetWidth; // so that the animation begins again
  job.box.classList.add("moved");
  countLanes();
}

function progress(job, share) {
  if (job.state !== "active") return;
  job.bar.value = share;
  job.bar.textContent = `${Math.round(share * 100)} %`;
  job.bar.hidden = false;
}

function forgetOldest() {
  for (const [id, job] of cards) {
    if (cards.size <= MOST_CARDS) return;
    if (!job.state || (job.mine && !FINAL.includes(job.state))) continue;
    job.box.remove();
    cards.delete(id);
  }
}

function countLanes() {
  for (const lane of document.querySelectorAll(".lane")) {
    lane.querySelector(".count").textContent = lane.querySelectorAll(".job").length;
  }
}

/* The WebSocket: it comes back by itself, with its session. */

let socket = null;
let pause = 500;
const asked = new Map();
let reference = 0;

const kept = {
  get session() { try { return sessionStorage.getItem("session"); } catch { return null; } },
  set session(id) { try { sessionStorage.setItem("session", id); } catch { /* it is kept for this page alone */ } },
};

function connect() {
  const address = new URL("socket", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (kept.session) address.searchParams.set("session", kept.session);
  socket = new WebSocket(address);
  socket.addEventListener("open", () => {
    pause = 500;
    connection("live", "connected");
    say({ command: "ping" });
    const mine = [...cards.values()].filter((job) => job.mine && !FINAL.includes(job.state)).map((job) => job.id);
    if (mine.length) say({ command: "subscribe", ids: mine.slice(0, 1000) });
    if (element("all").checked) say({ command: "subscribe", all: true });
  });
  socket.addEventListener("message", (message) => hear(JSON.parse(message.data, exact)));
  socket.addEventListener("close", () => {
    asked.clear();
    connection("away", "connecting again");
    setTimeout(connect, pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, 15000);
  });
}

function say(what, about) {
  if (socket?.readyState !== WebSocket.OPEN) {
    tell("There is no connection at the moment; try again when it is back.");
    return false;
  }
  reference += 1;
  if (about) asked.set(reference, about);
  socket.send(JSON.stringify({ ...what, ref: reference }));
  return true;
}

function hear(said) {
  const about = asked.get(said.ref);
  asked.delete(said.ref);
  switch (said.type) {
    case "accepted": {
      kept.session = said.session;
      const job = card(said.id, about);
      job.mine = true;
      if (!job.state) move(job, said.state);
      break;
    }
    case "pong":
    case "resumed":
      kept.session = said.session;
      break;
    case "state":
      move(card(said.id), said.state);
      break;
    case "progress":
      progress(card(said.id), said.progress);
      break;
    case "result": {
      const job = card(said.id);
      if (said.state) move(job, said.state);
      job.said.textContent = said.state === "succeeded" ? JSON.stringify(said.result) : said.error ?? "";
      break;
    }
    case "event": {
      const event = said.event;
      const job = card(event.id, event.type);
      if (event.state) move(job, event.state);
      else progress(job, event.progress);
      break;
    }
    case "missed":
      tell(`${said.count} events came faster than this page reads.`);
      break;
    case "away":
      connection("away", "Redis is away");
      tell(said.detail);
      break;
    case "back":
      connection("live", "connected");
      tell("");
      break;
    case "error":
      tell(said.detail + (said.retry_after_seconds ? ` (again in ${said.retry_after_seconds} s)` : ""));
      break;
  }
}

/* Integers beyond 2^53 keep their digits where the browser can. */
function exact(key, value, context) {
  const rounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return rounded && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}

function connection(kind, text) {
  element("connection").className = `pill ${kind}`;
  element("connection").textContent = text;
}

function tell(text) {
  element("message").textContent = text;
}

/* New jobs. */

function chosen() {
  return element("kind").selectedOptions[0];
}

function showValue() {
  const { field, value, max, says } = chosen().dataset;
  element("value-label").hidden = !field;
  if (!field) return;
  element("value-says").textContent = says;
  element("value").max = max;
  element("value").value = value;
}

element("kind").addEventListener("change", showValue);
element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  tell("");
  const option = chosen();
  const data = option.dataset.field ? { [option.dataset.field]: Number(element("value").value) } : {};
  const job = { command: "submit_job", task_type: option.value, data, priority: Number(element("priority").value) };
  const about = option.dataset.field ? `${option.value}(${element("value").value})` : option.value;
  for (let left = Number(element("count").value); left > 0; left -= 1) {
    if (!say(job, about)) return;
  }
});
element("all").addEventListener("change", () => {
  say({ command: element("all").checked ? "subscribe" : "unsubscribe", all: true });
});

/* The queue's figures. */

function figure(name, text) {
  document.querySelector(`[data-figure="${name}"]`).textContent = text;
}

function seconds(value) {
  if (value == null) return "–";
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}

function showFigures(queue) {
  const number = (value) => (value ?? 0).toLocaleString("en");
  figure("waiting", number(queue.waiting));
  figure("active", number(queue.by_state.active));
  figure("rate", queue.rates ? queue.rates.finished.toFixed(1) : "?");
  figure("oldest", seconds(queue.oldest_seconds));
  figure("workers", number(queue.workers.length));
  figure("dead", number(queue.by_state.dead));
  const most = Math.max(1, ...queue.by_priority);
  element("priorities").replaceChildren(...queue.by_priority.map((jobs, priority) => {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = priority;
    const bar = document.createElement("meter");
    bar.max = most;
    bar.value = jobs;
    bar.setAttribute("aria-label", `ready at priority ${priority}`);
    const count = document.createElement("span");
    count.textContent = number(jobs);
    row.append(name, bar, count);
    return row;
  }).reverse());
  element("workers").replaceChildren(...queue.workers.map((worker) => {
    const row = document.createElement("tr");
    const cells = [worker.name, worker.threads, worker.active, worker.held, worker.done, worker.failed, `${worker.seen_seconds.toFixed(1)} s ago`];
    row.append(...cells.map((text) => {
      const cell = document.createElement("td");
      cell.textContent = text;
      return cell;
    }));
    return row;
  }));
}

async function followFigures() {
  if (!document.hidden) {
    try {
      const answer = await fetch("queue");
      if (answer.ok) showFigures(await answer.json());
    } catch { /* the WebSocket tells that the service is away */ }
  }
  setTimeout(followFigures, FIGURES_EVERY_MS);
}

showValue();
connect();
followFigures();
