// The page: one stream of states from the server, drawn into phones, tour and panel.

import { el, hourMinute, NIGHT, now, post, setNow, toast } from "/demo/dom.js";
import { makeGreeting } from "/demo/greeting.js";
import { drawPanel } from "/demo/panel.js";
import { makePhones } from "/demo/phones.js";

const greeting = makeGreeting(document.getElementById("greet"));
const phones = makePhones(document.getElementById("phones"), (who) => greeting.open(who, state));
let state = null;
let stream = null;
let person = null;

function listen() {
  if (stream) stream.close();
  stream = new EventSource(person ? `/demo/stream?person=${person}` : "/demo/stream");
  stream.onmessage = (event) => { const told = JSON.parse(event.data); setNow(Date.parse(told.now)); state = told.state; document.body.classList.remove("lost"); draw(); };
  stream.onerror = () => { document.body.classList.add("lost"); };
}

function choose(number) {
  person = number;
  listen();
}

function draw() {
  const number = state.phones.customer.number;
  if (person && draw.visitor && draw.visitor !== number) { draw.visitor = number; choose(null); return; }
  draw.visitor = number;
  document.getElementById("company").textContent = `${state.company} · 演示`;
  drawSteps(state.steps, state.night);
  drawClock();
  for (const phone of phones) phone.update(state);
  drawPanel(state, choose);
  greeting.update(state);
  document.body.dataset.ready = "yes";
}

function drawSteps(steps, night) {
  const signature = JSON.stringify([steps, night]);
  if (signature === drawSteps.signature) return;
  drawSteps.signature = signature;
  const current = steps.find((step) => !step.done);
  document.getElementById("steps").replaceChildren(...steps.map((step, index) =>
    el("li", { class: step.done ? "done" : step === current ? "now" : null, "data-step": step.key, "aria-current": step === current ? "step" : null },
      el("span", { class: "number", "aria-hidden": "true" }, step.done ? "✓" : String(index + 1)), el("span", {}, step.title, night && step.key === "greet" ? el("small", { class: "night" }, NIGHT) : null))));
  const hint = document.getElementById("hint");
  hint.textContent = current ? `下一步：${current.hint}` : "五步都走完了。接着随便试：换一位客户、退订、撤销、抢同一条线索。";
  hint.classList.toggle("all", !current);
}

function drawClock() {
  const turned = state ? state.turned_seconds : 0;
  const hours = Math.round(turned / 3600);
  document.getElementById("platform-time").textContent = `${hourMinute(now() + turned * 1000)}${hours ? ` +${hours}h` : ""}`;
  document.getElementById("clock-back").hidden = !turned;
  document.getElementById("clock-note").textContent = turned ? "平台已拨快：客服窗口会过期，产品自己的时钟不动" : "只拨微信和钉钉的时钟，产品自己的不动";
}

for (const key of document.querySelectorAll("[data-hours]")) {
  key.addEventListener("click", () => post("clock", { hours: Number(key.dataset.hours) }).catch((error) => toast(error.message)));
}
setInterval(() => { if (state) drawClock(); }, 5000);
listen();
