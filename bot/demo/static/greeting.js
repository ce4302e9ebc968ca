// The greeting dialogue: text and people, the dry run, approval, and the counts as they come in.

import { el, NIGHT, post, toast } from "/demo/dom.js";
import { countWords, reasonWords, stackedBar } from "/demo/panel.js";

export function makeGreeting(dialog) {
  let staff = null;
  let night = false;
  let options = null;
  let chosen = {};
  let seen = null;
  let running = null;
  let fresh = false;
  let asking = false;
  let visit = 0;

  async function open(who, state) {
    const found = state.phones.staff.find((phone) => phone.key === who);
    const answer = await fetch(`/demo/greeting?staff_id=${encodeURIComponent(who)}`);
    const offered = await answer.json();
    if (!answer.ok) { toast(offered.error); return; }
    if (dialog.open) return;
    [staff, options, night] = [found, offered, state.night];
    seen = running = null;
    fresh = asking = false;
    visit += 1;
    const segment = options.segments.find((one) => one.holds_visitor) || options.segments[0];
    chosen = { template_id: options.templates[0]?.id, segment_id: segment?.id };
    draw();
    dialog.showModal();
    dialog.querySelector("#preview")?.focus();
  }

  // Looking asks for a draft, nothing before; one dialogue keeps to one. One trial at a time, the newest choice last,
  // and nothing can be approved but what is shown.
  async function preview() {
    fresh = false;
    if (asking) { draw(); return; }
    asking = true;
    const mine = visit;
    draw();
    let tried;
    do {
      tried = JSON.stringify(chosen);
      const who = staff.key;
      try {
        const answer = await post("greeting/preview", { staff_id: who, ...chosen, draft_id: seen ? seen.broadcast_id : null });
        if (mine !== visit) { drop(who, answer.broadcast_id); return; }
        seen = answer;
        fresh = tried === JSON.stringify(chosen);
      } catch (error) { toast(error.message); }
      if (mine !== visit) return;
    } while (tried !== JSON.stringify(chosen));
    asking = false;
    draw();
  }

  const drop = (who, broadcast_id) => post("greeting/drop", { staff_id: who, broadcast_id }, { last: true }).catch(() => {});

  // However it is left, a draft nobody approved does not stay behind.
  function leave() {
    if (staff && seen && !running) drop(staff.key, seen.broadcast_id);
    staff = seen = null;
    visit += 1;
  }

  async function approve() {
    const [mine, who, number] = [visit, staff.key, seen.broadcast_id];
    running = number;
    draw();
    try {
      await post("greeting/approve", { staff_id: who, broadcast_id: number });
    } catch (error) {
      toast(error.message);
      if (mine === visit) { running = null; draw(); } else drop(who, number);
    }
  }

  function draw(state) {
    const held = document.activeElement;
    const again = held && held.name ? `input[name="${held.name}"][value="${held.value}"]` : held && held.id ? `#${held.id}` : null;
    const scrolled = [".greet-choose", ".greet-seen"].map((part) => [part, dialog.querySelector(part)?.scrollTop || 0]);
    dialog.replaceChildren(
      el("div", { class: "greet-head" },
        el("div", {}, el("h2", { id: "greet-title" }, "发节日祝福"), el("small", {}, `以${staff.role} ${staff.name} 的身份和权限`)),
        el("button", { type: "button", class: "quiet", "aria-label": "关闭", onclick: () => dialog.close() }, "关闭")),
      running ? progress(state) : el("div", { class: "greet-body" }, choices(), outcome()),
      el("div", { class: "greet-foot" }, el("small", { class: "night" }, night ? NIGHT : ""), key()));
    for (const [part, top] of scrolled) if (top) dialog.querySelector(part)?.scrollTo(0, top);
    if (again && dialog.contains(held) === false) (dialog.querySelector(again) || dialog.querySelector(".go:enabled"))?.focus();
  }

  function key() {
    if (running) return el("button", { type: "button", class: "go", id: "greet-done", onclick: () => dialog.close() }, "好的");
    if (!seen) return el("button", { type: "button", class: "go", id: "preview", disabled: asking, onclick: preview }, asking ? "正在试算…" : "先看名单（不发送）");
    return el("button", { type: "button", class: "go", id: "approve", disabled: !fresh || !seen.reached, onclick: approve }, `批准并发送（${seen.reached} 人）`);
  }

  function choices() {
    const about = (one) => [one.conditions === one.name ? "" : one.conditions, `${one.count} 人${one.holds_visitor ? "，含左边这位客户" : ""}`].filter(Boolean).join(" · ");
    return el("div", { class: "greet-choose" },
      pick("发什么", "template_id", options.templates.map((one) => [one.id, one.name, one.body])),
      pick("发给谁", "segment_id", options.segments.map((one) => [one.id, one.name, about(one)])));
  }

  function pick(title, field, rows) {
    return el("fieldset", {}, el("legend", {}, title), ...rows.map(([id, name, note]) =>
      el("label", { class: "pick" },
        el("input", { type: "radio", name: field, value: String(id), checked: chosen[field] === id, onchange: () => { chosen[field] = id; preview(); } }),
        el("span", {}, el("b", {}, name), el("small", {}, note)))));
  }

  function outcome() {
    if (!seen) return el("div", { class: "greet-seen" }, el("p", { class: "nothing" }, asking ? "正在试算…" : "选好发什么、发给谁，先看会发给多少人、谁不会收到、每个人看到的文字。看名单不会发送。"));
    const place = seen.visitor === "" ? "左边的微信客户会收到这条祝福。" : seen.visitor ? `左边的微信客户这次不会收到：${seen.visitor}。` : "左边的微信客户不在这次的名单里。";
    return el("div", { class: "greet-seen" },
      el("div", { class: "sums" }, sum(seen.total, "选中"), sum(seen.reached, "会收到", "good"), sum(seen.total - seen.reached, "不发送", "less")),
      el("ul", { class: "why" }, ...seen.suppressed.map((one) => el("li", {},
        el("span", {}, one.reason), el("i", { style: `width:${Math.max(4, (100 * one.count) / seen.total)}%` }), el("b", {}, String(one.count))))),
      el("p", { class: seen.visitor === "" ? "place good" : "place" }, place),
      el("h3", {}, "样例"),
      el("div", { class: "samples" }, ...(seen.samples.length ? seen.samples.map((text) => el("p", { class: "bubble" }, text)) : [el("p", { class: "nothing" }, "没有人会收到。")])));
  }

  const sum = (number, label, kind = "") => el("div", { class: `sum ${kind}` }, el("b", {}, String(number)), el("span", {}, label));

  function progress(state) {
    const one = state && state.crm.broadcasts.find((row) => row.id === running);
    const counts = one ? one.counts : {};
    return el("div", { class: "greet-run" },
      el("p", { class: "run-state" }, one ? one.status : "正在开始…"),
      stackedBar(counts), countWords(counts), one ? reasonWords(one.reasons) : null,
      el("p", { class: "nothing" }, "每个人一行：文字先存下再发，重启也不会漏发或重发。"));
  }

  dialog.addEventListener("close", leave);
  window.addEventListener("pagehide", () => { leave(); dialog.close(); });
  return { open, update: (state) => { if (staff && running) draw(state); } };
}
