// The panel: what the CRM holds now. What has just changed glows for a moment.

import { dayAndTime, el, makeWatch, when } from "/demo/dom.js";

const watches = { leads: makeWatch(), timeline: makeWatch(), reminders: makeWatch(), broadcasts: makeWatch(), counts: makeWatch() };
const ICONS = { in: "信", out: "复", event: "关", lead: "线", claim: "领", follow_up: "跟", reminder: "铃", broadcast: "祝" };
const REMINDER_WORDS = { pending: "待提醒", fired: "已提醒", done: "已完成" };
const PARTS = [["sent", "已送达"], ["handed_over", "已转交"], ["claimed", "发送中"], ["planned", "待发送"], ["failed", "失败"], ["unknown", "结果未知"], ["suppressed", "不发送"]];

let shownPerson = null;

export function drawPanel(state, choose) {
  const crm = state.crm;
  drawCounts(crm.counts);
  const changed = [
    drawLeads(crm.leads, crm.person, choose) && "leads",
    drawPerson(crm.person) && "person",
    drawReminders(crm.reminders, choose) && "reminders",
    drawBroadcasts(crm.broadcasts, crm.plans) && "broadcasts",
  ].filter(Boolean);
  if (changed.length) bringIntoView(changed[changed.length - 1]);
}

function bringIntoView(name) {
  const body = document.getElementById("panel-body");
  const block = document.getElementById(`block-${name}`);
  const top = block.offsetTop;
  const hidden = top < body.scrollTop || top + Math.min(block.offsetHeight, 160) > body.scrollTop + body.clientHeight;
  if (hidden) body.scrollTo({ top: top - 8, behavior: "smooth" });
}

function drawCounts(counts) {
  const words = [["leads", "线索"], ["pool", "公海"], ["customers", "客户"], ["contacts", "联系人"], ["follow_ups", "今日跟进"]];
  const fresh = watches.counts(words.map(([name]) => [name, counts[name]]));
  document.getElementById("counts").replaceChildren(...words.map(([name, label]) =>
    el("li", { class: fresh.has(name) ? "fresh" : null }, el("b", {}, String(counts[name])), el("span", {}, label))));
}

function drawLeads(leads, person, choose) {
  const fresh = watches.leads(leads.map((lead) => [lead.id, lead]));
  const open = person ? person.person_id : null;
  document.getElementById("leads").replaceChildren(...leads.map((lead) =>
    el("li", { class: fresh.has(String(lead.id)) ? "fresh" : null },
      el("button", { type: "button", class: lead.person_id === open ? "row open" : "row", onclick: () => choose(lead.person_id) },
        el("span", { class: "row-main" }, el("b", {}, lead.name), el("small", {}, [lead.company, lead.source && `来源 ${lead.source}`].filter(Boolean).join(" · ") || "刚到，还没有资料")),
        el("span", { class: lead.owner ? "badge" : "badge pool" }, lead.owner || "公海"),
        el("time", {}, when(new Date(lead.at)))))));
  return fresh.size > 0;
}

function drawPerson(person) {
  const place = document.getElementById("person");
  if (!person) {
    place.replaceChildren(el("p", { class: "nothing" }, "客户关注以后，这里会出现他的卡片和完整时间线。也可以点上面任意一条线索。"));
    watches.timeline([]);
    shownPerson = null;
    return false;
  }
  const fresh = watches.timeline(person.timeline.map((line) => [line.id, line]));
  if (shownPerson !== person.person_id) fresh.clear();
  shownPerson = person.person_id;
  const reach = person.reach.map((one) => el("p", { class: one.open ? "reach open" : "reach" }, `微信：${one.text}${one.until ? `（至 ${when(new Date(one.until))}）` : ""}`));
  place.replaceChildren(
    el("div", { class: "card-head" }, el("b", {}, person.name), el("span", { class: "badge" }, `${person.kind} · ${person.status}`), ...person.tags.map((tag) => el("span", { class: "tag" }, tag))),
    el("dl", { class: "facts" }, ...person.facts.flatMap(([label, value]) => [el("dt", {}, label), el("dd", {}, value)])),
    ...reach,
    el("ol", { class: "timeline" }, ...person.timeline.map((line) => timelineRow(line, fresh.has(line.id)))));
  return fresh.size > 0;
}

function timelineRow(line, fresh) {
  const due = line.due ? `${when(new Date(line.due))} ` : "";
  return el("li", { class: `${line.kind}${fresh ? " fresh" : ""}` },
    el("span", { class: "dot", "aria-hidden": "true" }, ICONS[line.kind] || "·"),
    el("div", {}, el("p", {}, el("b", {}, line.title), line.note ? el("em", {}, line.note) : null, el("time", {}, when(new Date(line.at)))),
      line.text ? el("p", { class: "words" }, due + line.text) : null));
}

function drawReminders(reminders, choose) {
  const fresh = watches.reminders(reminders.map((one) => [one.id, one]));
  const rows = reminders.map((one) => el("li", { class: fresh.has(String(one.id)) ? "fresh" : null },
    el(one.person_id ? "button" : "div", { type: one.person_id ? "button" : null, class: "row", onclick: one.person_id ? () => choose(one.person_id) : null },
      el("time", { class: "due" }, when(new Date(one.at))),
      el("span", { class: "row-main" }, el("b", {}, one.text), el("small", {}, one.owner)),
      el("span", { class: one.status === "pending" ? "badge wait" : "badge done" }, REMINDER_WORDS[one.status] || one.status))));
  const none = el("li", { class: "nothing" }, "今天没有提醒了。让小王说一句「一分钟后提醒我…」试试。");
  const list = document.getElementById("reminders");
  list.replaceChildren(...(rows.length ? rows : [none]));
  const news = list.querySelector(".fresh");
  if (news) list.scrollTo({ top: news.offsetTop - 40, behavior: "smooth" });
  return fresh.size > 0;
}

export function stackedBar(counts) {
  const total = Object.values(counts).reduce((sum, number) => sum + number, 0) || 1;
  const label = PARTS.filter(([name]) => counts[name]).map(([name, word]) => `${word} ${counts[name]}`).join("，");
  return el("div", { class: "stack", role: "img", "aria-label": label }, ...PARTS.filter(([name]) => counts[name]).map(([name]) =>
    el("i", { class: name, style: `flex-grow:${counts[name] / total}` })));
}

export function countWords(counts) {
  return el("p", { class: "stack-words" }, ...PARTS.filter(([name]) => counts[name]).map(([name, word]) =>
    el("span", { class: name }, `${word} `, el("b", {}, String(counts[name])))));
}

function drawBroadcasts(broadcasts, plans) {
  const fresh = watches.broadcasts([...broadcasts.map((one) => [one.id, one]), ...plans.map((one) => [`plan${one.id}`, one])]);
  const planned = plans.map((one) => el("li", { class: `broadcast${fresh.has(`plan${one.id}`) ? " fresh" : ""}` },
    el("p", {}, el("b", {}, one.name), el("span", { class: "badge wait" }, "已安排")),
    el("small", { class: "reasons" }, one.at ? `下一次 ${dayAndTime(new Date(one.at))}，到时自动发送` : `每人生日当天 ${one.time} 自动发送`)));
  const rows = broadcasts.map((one) => el("li", { class: `broadcast${fresh.has(String(one.id)) ? " fresh" : ""}` },
    el("p", {}, el("b", {}, `#${one.id} ${one.name}`), el("span", { class: one.status === "已完成" ? "badge done" : "badge wait" }, one.status)),
    el("small", { class: "whom" }, [one.at && when(new Date(one.at)), one.audience, `${one.people} 人`].filter(Boolean).join(" · ")),
    Object.keys(one.counts).length ? stackedBar(one.counts) : null, countWords(one.counts), reasonWords(one.reasons)));
  const none = el("li", { class: "nothing" }, "还没有发过。主管或市场点「发节日祝福」，先看名单再批准。");
  document.getElementById("broadcasts").replaceChildren(...(rows.length || planned.length ? [...rows, ...planned] : [none]));
  return fresh.size > 0;
}

export function reasonWords(reasons) {
  const found = Object.entries(reasons);
  return found.length ? el("small", { class: "reasons" }, found.map(([reason, count]) => `${reason} ${count}`).join(" · ")) : null;
}
