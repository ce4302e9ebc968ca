// The three phones: chat bubbles, suggestion chips, a typing box. What is typed goes to the simulated platform.

import { el, hourMinute, post, toast, unsent, when } from "/demo/dom.js";

const GAP_SECONDS = 180;
const DESKS = [["hl-wang", "hl-chen"], ["hl-lin", "hl-zhou"]];

class Phone {
  constructor(kind, label) {
    this.kind = kind;
    this.chat = el("div", { class: "chat", role: "log", "aria-live": "polite", "aria-label": `${label}的聊天`, tabindex: "0" });
    this.chips = el("div", { class: "chips", role: "group", "aria-label": "可以这样说" });
    this.box = el("input", { type: "text", maxlength: "500", autocomplete: "off", "aria-label": `以${label}的身份写消息` });
    this.box.addEventListener("input", () => unsent.write(this.shown, this.box.value));
    this.send = el("button", { type: "submit", class: "send" }, "发送");
    this.head = el("div", { class: "phone-head" });
    const form = el("form", { class: "type", onsubmit: (event) => { event.preventDefault(); this.say(this.box.value); } }, this.box, this.send);
    this.card = el("article", { class: `phone ${kind}`, "aria-label": label }, this.head, this.chat, this.chips, form);
    this.shown = "";
    this.last = 0;
  }

  async run(action) {
    this.card.classList.add("busy");
    try { await action(); } catch (error) { toast(error.message); } finally { this.card.classList.remove("busy"); }
  }

  // Draws what is not there yet; another person's chat starts from nothing.
  draw(person, lines, avatar) {
    if (this.shown !== person) {
      this.shown = person;
      this.last = 0;
      this.time = 0;
      this.chat.replaceChildren();
      this.box.value = unsent.read(person);
    }
    const fresh = lines.filter((line) => line.id > this.last);
    for (const line of fresh) {
      if (line.at - (this.time || 0) > GAP_SECONDS) this.chat.append(el("p", { class: "stamp" }, when(line.at * 1000)));
      this.time = line.at;
      this.last = line.id;
      this.chat.append(this.bubble(line, avatar));
    }
    const empty = this.chat.querySelector(".empty");
    if (empty && lines.length) empty.remove();
    if (!lines.length && !empty) this.chat.append(this.emptyState());
    if (fresh.length) requestAnimationFrame(() => this.chat.scrollTo({ top: this.chat.scrollHeight, behavior: "smooth" }));
  }

  sent() {
    this.box.value = "";
    unsent.write(this.shown, "");
  }

  bubble(line, avatar) {
    if (line.side === "system") return el("p", { class: "system" }, line.text);
    const mine = line.side === "in";
    const face = el("span", { class: mine ? "face me" : "face", "aria-hidden": "true" }, mine ? avatar : this.face);
    const said = el("div", { class: "said" }, el("span", { class: "bubble" }, line.text), el("time", {}, hourMinute(line.at * 1000)));
    return el("div", { class: mine ? "line mine" : "line" }, face, said);
  }

  drawChips(chips, act) {
    const signature = JSON.stringify(chips);
    if (this.signature === signature) return;
    this.signature = signature;
    this.chips.replaceChildren(...chips.map((chip) =>
      el("button", { type: "button", class: chip.main ? "chip main" : "chip", "data-action": chip.action, title: chip.text || null, onclick: () => this.run(() => act(chip)) }, chip.label)));
  }
}

class CustomerPhone extends Phone {
  constructor() {
    super("wechat", "微信客户");
    this.face = "恒";
    this.anew = el("button", { type: "button", class: "quiet", title: "换一位没有关注过的微信用户", onclick: () => this.run(() => post("customer/new")) }, "换一位");
    this.title = el("strong", {}, "微信客户");
    this.under = el("small", {}, "未关注");
    this.head.append(el("div", { class: "who" }, this.title, this.under), this.anew);
  }

  emptyState() {
    return el("div", { class: "empty" }, el("b", {}, "还没有关注"), el("span", {}, "在展台看到了二维码？扫一下，看看会发生什么。"));
  }

  update(state) {
    const phone = state.phones.customer;
    this.title.textContent = phone.follows ? `${state.company}公众号` : "微信客户";
    this.under.textContent = phone.follows ? `客户：${phone.name}` : "微信 · 未关注";
    this.box.disabled = this.send.disabled = !phone.follows;
    this.box.placeholder = phone.follows ? "像客户一样写一句…" : "先关注公众号";
    this.draw(`customer${phone.number}`, phone.lines, "客");
    this.drawChips(state.chips.customer, (chip) => this.act(chip));
  }

  act(chip) {
    if (chip.action === "follow" || chip.action === "scan") return post(`customer/${chip.action}`, { scene: chip.text });
    if (chip.action === "unfollow") return post("customer/unfollow");
    return post("customer/say", { text: chip.text });
  }

  say(text) {
    if (!text.trim()) return;
    this.sent();
    this.run(() => post("customer/say", { text }));
  }
}

class DeskPhone extends Phone {
  constructor(people, greet) {
    super("dingtalk", people[0] === "hl-wang" ? "销售的钉钉" : "主管和市场的钉钉");
    this.face = "关";
    this.people = people;
    this.current = people[0];
    this.greet = greet;
    this.seen = {};
    this.tabs = el("div", { class: "tabs", role: "tablist" });
    this.title = el("strong", {}, "");
    this.under = el("small", {}, "");
    this.head.append(el("div", { class: "who" }, this.title, this.under), this.tabs);
  }

  emptyState() {
    return el("div", { class: "empty" }, el("b", {}, "还没有消息"), el("span", {}, "有新线索、客户来信和提醒时，会出现在这里。"));
  }

  update(state) {
    this.state = state;
    const phones = state.phones.staff.filter((phone) => this.people.includes(phone.key));
    const phone = phones.find((one) => one.key === this.current);
    this.title.textContent = `${phone.role} ${phone.called}`;
    this.under.textContent = "钉钉 · 关系助手";
    this.box.placeholder = "说一句就是一条记录…";
    this.draw(phone.key, phone.lines, phone.name.slice(0, 1));
    this.drawChips(state.chips[phone.key], (chip) => this.act(chip));
    this.drawTabs(phones);
  }

  drawTabs(phones) {
    const newest = (phone) => (phone.lines.length ? phone.lines[phone.lines.length - 1].id : 0);
    for (const phone of phones) if (phone.key === this.current || this.seen[phone.key] === undefined) this.seen[phone.key] = newest(phone);
    const signature = JSON.stringify(phones.map((phone) => [phone.key === this.current, newest(phone) > this.seen[phone.key]]));
    if (signature === this.tabSignature) return;
    this.tabSignature = signature;
    this.tabs.replaceChildren(...phones.map((phone) => {
      const news = newest(phone) > this.seen[phone.key];
      return el("button", { type: "button", role: "tab", "data-staff": phone.key, "aria-selected": String(phone.key === this.current), class: news ? "news" : null, onclick: () => { this.current = phone.key; this.tabSignature = ""; this.update(this.state); } }, phone.called);
    }));
  }

  act(chip) {
    if (chip.action === "greet") { this.greet(this.current); return Promise.resolve(); }
    return post("staff/say", { staff_id: this.current, text: chip.text });
  }

  say(text) {
    if (!text.trim()) return;
    this.sent();
    this.run(() => post("staff/say", { staff_id: this.current, text }));
  }
}

export function makePhones(place, greet) {
  const phones = [new CustomerPhone(), ...DESKS.map((people) => new DeskPhone(people, greet))];
  place.append(...phones.map((phone) => phone.card));
  return phones;
}
