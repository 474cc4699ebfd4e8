// Draws the description of the API, and tries it out. Text from the description is only ever set as text.
"use strict";

const methods = ["get", "post", "put", "patch", "delete"];
const root = document.documentElement;
let description = {};

function make(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

function remembered(key, value) {
  try {
    if (value === undefined) return sessionStorage.getItem(key) || "";
    sessionStorage.setItem(key, value);
  } catch { /* storage may be switched off: then nothing is remembered */ }
  return "";
}

function theme(name) {
  root.dataset.theme = name;
  remembered("theme", name);
}

function rich(text) {
  // `code` is all the markup that descriptions use; blank lines part paragraphs.
  const made = document.createDocumentFragment();
  for (const paragraph of (text || "").trim().split(/\n\s*\n/)) {
    const p = make("p");
    paragraph.replace(/\s+/g, " ").split(/`([^`]*)`/).forEach((part, i) => p.append(i % 2 ? make("code", {}, part) : part));
    made.append(p);
  }
  return made;
}

function resolved(schema) {
  if (schema && schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return { ...(description.components.schemas[name] || {}), title: name };
  }
  return schema || {};
}

function variants(schema) {
  return (schema.anyOf || schema.oneOf || []).map(resolved).filter((one) => one.type !== "null");
}

function kind(given) {
  const schema = resolved(given);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const several = variants(schema);
  if (several.length) return several.map(kind).join(" | ");
  if (schema.type === "array") return `${kind(schema.items)}[]`;
  if (schema.type === "object" || schema.properties) return schema.properties ? schema.title || "object" : "object";
  return schema.format ? `${schema.type} (${schema.format})` : schema.type || "any";
}

function example(given, depth = 0) {
  let schema = resolved(given);
  if (schema.examples && schema.examples.length) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const several = variants(schema);
  if (several.length) schema = several[0];
  if (schema.properties && depth < 5) {
    const needed = new Set(schema.required || []);
    const made = {};
    for (const [name, part] of Object.entries(schema.properties))
      if (needed.has(name) || (part.examples || []).length) made[name] = example(part, depth + 1);
    return made;
  }
  return { array: [], object: {}, string: "", integer: 1, number: 1, boolean: true }[schema.type] ?? null;
}

function tree(given, seen = []) {
  let schema = resolved(given);
  const several = variants(schema);
  if (several.length) schema = several.find((one) => one.properties) || several[0];
  if (schema.type === "array") schema = resolved(schema.items);
  if (!schema.properties || seen.includes(schema.title)) return null;
  const needed = new Set(schema.required || []);
  return make("ul", {}, ...Object.entries(schema.properties).map(([name, part]) =>
    make("li", {}, make("code", {}, name), needed.has(name) ? make("span", { class: "must", title: "required" }, "*") : null,
      make("span", { class: "kind" }, kind(part)),
      part.description ? make("div", { class: "about" }, part.description) : null,
      tree(part, [...seen, schema.title]))));
}

function pathText(path) {
  const made = make("span", { class: "path" });
  path.split(/(\{[^}]+\})/).forEach((part) => made.append(part.startsWith("{") ? make("em", {}, part) : part));
  return made;
}

function field(parameter) {
  const schema = resolved(parameter.schema);
  const input = make("input", { name: parameter.name, "data-in": parameter.in, autocomplete: "off", spellcheck: "false",
    "aria-label": parameter.name, placeholder: schema.default != null && schema.default !== "" ? `${schema.default}` : "" });
  return [
    make("div", { class: "name" }, make("code", {}, parameter.name),
      parameter.required ? make("span", { class: "must", title: "required" }, "*") : null,
      make("span", { class: "kind" }, `${parameter.in} · ${kind(parameter.schema)}`)),
    make("div", {}, input, parameter.description ? make("div", { class: "about" }, rich(parameter.description)) : null),
  ];
}

function answers(operation) {
  return make("div", { class: "answers" }, ...Object.entries(operation.responses).map(([status, answer]) => {
    const schema = Object.values(answer.content || {})[0]?.schema;
    const inner = schema && tree(schema);
    const head = [make("span", { class: `status ${status < 400 ? "good" : "bad"}` }, status), make("span", {}, answer.description || "")];
    if (!inner && !answer.headers) return make("div", { class: "plain" }, ...head);
    const headers = Object.entries(answer.headers || {}).map(([name, header]) =>
      make("li", {}, make("code", {}, name), make("span", { class: "kind" }, "header"), make("div", { class: "about" }, header.description)));
    return make("details", {}, make("summary", {}, ...head),
      make("div", { class: "schema" }, headers.length ? make("ul", {}, ...headers) : null, inner));
  }));
}

function bodyEditor(operation) {
  const content = operation.requestBody && operation.requestBody.content;
  if (!content) return null;
  const types = Object.keys(content);
  const type = make("select", { "aria-label": "Content type" }, ...types.map((name) => make("option", {}, name)));
  const text = make("textarea", { spellcheck: "false", "aria-label": "Body" });
  const schema = content["application/json"]?.schema;
  const needed = operation.requestBody.required;
  text.value = type.value === "application/json" && needed ? JSON.stringify(example(schema), null, 2) : "";
  if (type.value !== "application/json") text.value = "id: hello\nversion: 1.0.0\nsteps:\n  greet:\n    task: greet\n";
  return { node: make("div", {}, make("h4", {}, "Body"), types.length > 1 ? type : null, text,
    schema && tree(schema) ? make("div", { class: "schema" }, tree(schema)) : null), type, text };
}

function request(method, path, form, body) {
  const headers = {};
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("input[data-in]")) {
    if (input.value === "") continue;
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.dataset.in === "header") headers[input.name] = input.value;
    else query.append(input.name, input.value);
  }
  const token = document.getElementById("token").value;
  if (token) headers.Authorization = `Bearer ${token}`;
  const options = { method: method.toUpperCase(), headers };
  if (body && body.text.value.trim()) {
    options.body = body.text.value;
    headers["Content-Type"] = body.type.value;
  }
  return [`${path}${query.size ? `?${query}` : ""}`, options];
}

function asCurl(url, options) {
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const parts = ["curl", "-X", options.method, quoted(location.origin + url)];
  for (const [name, value] of Object.entries(options.headers))
    parts.push("-H", name === "Authorization" ? `"Authorization: Bearer $PENSTOCK_API_TOKEN"` : quoted(`${name}: ${value}`));
  if (options.body) parts.push("--data-binary", quoted(options.body));
  return parts.join(" ");
}

async function send(method, path, form, body, result, button) {
  const missing = [...form.querySelectorAll('input[data-in="path"]')].find((input) => !input.value);
  if (missing) return missing.focus();
  const [url, options] = request(method, path, form, body);
  button.disabled = true;
  const began = performance.now();
  try {
    const answer = await fetch(url, options);
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
    const told = ["penstock-token", "penstock-age", "retry-after", "location", "link"].filter((name) => answer.headers.get(name));
    result.replaceChildren(
      make("div", { class: "row" }, make("span", { class: `status ${answer.ok ? "good" : "bad"}` }, `${answer.status}`),
        make("span", { class: "quiet" }, `${answer.statusText} in ${Math.round(performance.now() - began)} ms`)),
      told.length ? make("pre", {}, told.map((name) => `${name}: ${answer.headers.get(name)}`).join("\n")) : "",
      make("pre", {}, shown || "(no body)"), make("h4", {}, "The same with curl"), make("pre", {}, asCurl(url, options)));
  } catch (error) {
    result.replaceChildren(make("pre", {}, `${error}`));
  } finally {
    button.disabled = false;
  }
}

function operationNode(method, path, operation) {
  const form = make("form", { class: "try" });
  const body = bodyEditor(operation);
  const result = make("div", { class: "result", "aria-live": "polite" });
  const button = make("button", { class: "main", type: "submit" }, "Send");
  const parameters = operation.parameters || [];
  if (parameters.length) form.append(make("h4", {}, "Parameters"), make("div", { class: "grid" }, ...parameters.flatMap(field)));
  if (body) form.append(body.node);
  form.append(make("div", { class: "row" }, button), result);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(method, path, form, body, result, button);
  });
  return make("details", { class: "operation", id: operation.operationId },
    make("summary", {}, make("span", { class: `verb ${method}` }, method.toUpperCase()), pathText(path),
      make("span", { class: "summary" }, operation.summary || "")),
    make("div", { class: "inside" }, rich(operation.description), form, make("h4", {}, "Answers"), answers(operation)));
}

function draw() {
  const byTag = new Map((description.tags || []).map((tag) => [tag.name, { about: tag.description, operations: [] }]));
  for (const [path, item] of Object.entries(description.paths))
    for (const method of methods)
      if (item[method]) {
        const tag = (item[method].tags || ["other"])[0];
        if (!byTag.has(tag)) byTag.set(tag, { about: "", operations: [] });
        byTag.get(tag).operations.push([method, path, item[method]]);
      }
  const lead = make("div", { class: "lead" }, make("h1", {}, `${description.info.title} API`), rich(description.info.description),
    make("p", {}, make("a", { href: "/openapi.json" }, "openapi.json")));
  const sections = [], links = [];
  for (const [tag, { about, operations }] of byTag) {
    if (!operations.length) continue;
    links.push(make("strong", {}, tag));
    for (const [method, , operation] of operations)
      links.push(make("a", { href: `#${operation.operationId}` },
        make("span", { class: `verb ${method}` }, method.toUpperCase()), make("span", {}, operation.summary)));
    sections.push(make("section", {}, make("h2", {}, tag), make("p", { class: "quiet" }, about),
      ...operations.map((one) => operationNode(...one))));
  }
  document.getElementById("nav").replaceChildren(...links);
  document.getElementById("content").replaceChildren(lead, ...sections, make("p", { class: "empty", hidden: true }, "Nothing fits."));
}

function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of document.querySelectorAll("main section")) {
    let here = 0;
    for (const operation of section.querySelectorAll("details.operation")) {
      const said = operation.querySelector("summary").textContent.toLowerCase();
      operation.hidden = !words.every((word) => said.includes(word));
      here += !operation.hidden;
      const link = document.querySelector(`nav a[href="#${operation.id}"]`);
      if (link) link.hidden = operation.hidden;
    }
    section.hidden = !here;
    found += here;
  }
  document.querySelector(".empty").hidden = found > 0;
}

function follow() {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.matches("details.operation")) {
    target.open = true;
    target.scrollIntoView();
  }
  for (const link of document.querySelectorAll("nav a"))
    if (link.hash === location.hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
}

async function begin() {
  theme(remembered("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
  document.getElementById("theme").addEventListener("click", () => theme(root.dataset.theme === "dark" ? "light" : "dark"));
  const answer = await fetch("/openapi.json");
  description = await answer.json();
  document.title = `${description.info.title} API`;
  document.getElementById("version").textContent = description.info.version;
  const token = document.getElementById("token");
  document.getElementById("token-field").hidden = !description.security;
  token.value = remembered("token");
  token.addEventListener("change", () => remembered("token", token.value));
  draw();
  follow();
  addEventListener("hashchange", follow);
  const box = document.getElementById("filter");
  box.addEventListener("input", () => filter(box.value));
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) {
      event.preventDefault();
      box.focus();
    }
  });
}

begin().catch((error) => {
  document.getElementById("content").replaceChildren(make("p", { class: "notice" }, `The description cannot be read: ${error}`));
});
