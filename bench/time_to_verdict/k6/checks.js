// The equal checks in k6: a scenario for each, all at once; accounts are made in setup().
import http from "k6/http";
import { check } from "k6";

const URL = __ENV.PRODUCTION_URL;
const PASSWORD = "SmokeTest123!@#";
const CHECKS = [
  "health", "version", "database", "metrics", "openapi", "unknownPath", "headers", "anonymous",
  "wrongToken", "limit", "login", "wrongPassword", "me", "validation", "lattice", "list", "path",
  "stranger", "removal", "webhook", "usage",
];

export const options = {
  scenarios: Object.fromEntries(CHECKS.map((name) => [
    name, { executor: "shared-iterations", vus: 1, iterations: 1, exec: name },
  ])),
  thresholds: { checks: ["rate==1"] },
  batch: 75,
  batchPerHost: 75,
};

const at = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
const sending = (token) => ({
  headers: { "Content-Type": "application/json", ...(token ? at(token).headers : {}) },
});
const post = (path, body, token) => http.post(URL + path, JSON.stringify(body), sending(token));
const get = (path, token) => http.get(URL + path, token ? at(token) : {});

// Whatever a reply lacks fails its check, as an exception in an assertion would.
function demand(reply, demands) {
  const all = { status: demands.status };
  for (const [name, holds] of Object.entries(demands)) {
    all[name] = (seen) => { try { return holds(seen); } catch { return false; } };
  }
  return check(reply, all);
}
const status = (wanted) => (reply) => reply.status === wanted;
const member = (name, wanted) => (reply) => reply.json(name) === wanted;

export function setup() {
  const accounts = ["member", "stranger", "caller"].map((name) => ({
    email: `smoketest-${name}-${Date.now()}-${Math.random()}@example.com`,
  }));
  const replies = http.batch(accounts.map((account) => [
    "POST", `${URL}/api/auth/register`,
    JSON.stringify({ email: account.email, password: PASSWORD }), sending(),
  ]));
  replies.forEach((reply, number) => {
    demand(reply, { status: status(201), email: member("email", accounts[number].email) });
    accounts[number].token = reply.json("access_token");
  });
  const wanted = { name: "grid", dimensions: [10, 10], obstacles: [[5, 5]] };
  const made = post("/api/lattices", wanted, accounts[0].token);
  demand(made, { status: status(201), name: member("name", "grid") });
  const [first, second, third] = accounts;
  return { member: first, stranger: second, caller: third, lattice: made.json("id") };
}

export function teardown(data) {
  const tokens = [data.member.token, data.stranger.token, data.caller.token];
  const replies = http.batch(tokens.map((token) => [
    "DELETE", `${URL}/api/auth/me`, null, at(token),
  ]));
  replies.forEach((reply) => demand(reply, { status: status(204) }));
}

export function health() {
  demand(get("/health"), { status: status(200), healthy: member("status", "healthy") });
}

export function version() {
  demand(get("/version"), { status: status(200), version: member("version", "1.4.2") });
}

export function database() {
  demand(get("/health/database"), {
    status: status(200), database: member("database", "connected"),
  });
}

export function metrics() {
  demand(get("/metrics"), {
    status: status(200),
    type: (reply) => reply.headers["Content-Type"].includes("text/plain"),
    counted: (reply) => reply.body.includes("http_requests_total"),
  });
}

export function openapi() {
  demand(get("/openapi.json"), {
    status: status(200),
    version: member("openapi", "3.1.0"),
    described: (reply) => "/health" in reply.json("paths"),
  });
}

export function unknownPath() {
  demand(get("/nowhere"), {
    status: status(404),
    type: (reply) => reply.headers["Content-Type"].includes("application/problem+json"),
    problem: member("status", 404),
  });
}

export function headers() {
  demand(get("/health"), {
    status: status(200), nosniff: (reply) => reply.headers["X-Content-Type-Options"] === "nosniff",
  });
}

const refused = {
  status: status(401),
  told: (reply) => reply.headers["Www-Authenticate"].includes("Bearer"),
};

export function anonymous() {
  demand(get("/api/auth/me"), refused);
}

export function wrongToken() {
  demand(get("/api/lattices", "made-up-token"), refused);
}

export function limit(data) {
  const call = ["GET", `${URL}/api/limited`, null, at(data.caller.token)];
  const replies = [0, 1].flatMap(() => http.batch(Array(75).fill(call)));
  const count = (wanted) => replies.filter((reply) => reply.status === wanted).length;
  check(replies, {
    "100 pass and 50 do not": () => count(200) === 100 && count(429) === 50,
    "who is refused is told until when": () =>
      replies.every((reply) => reply.status !== 429 || reply.headers["Retry-After"]),
  });
}

export function login(data) {
  const reply = post("/api/auth/login", { email: data.member.email, password: PASSWORD });
  demand(reply, { status: status(200), type: member("token_type", "bearer") });
  demand(get("/api/auth/me", reply.json("access_token")), {
    status: status(200), email: member("email", data.member.email),
  });
}

export function wrongPassword(data) {
  const wrong = { email: data.member.email, password: "wrong-password" };
  demand(post("/api/auth/login", wrong), { status: status(401), problem: member("status", 401) });
}

export function me(data) {
  demand(get("/api/auth/me", data.member.token), {
    status: status(200), email: member("email", data.member.email),
  });
}

export function validation(data) {
  demand(post("/api/lattices", {}, data.member.token), {
    status: status(422), problem: member("status", 422),
  });
}

export function lattice(data) {
  demand(get(`/api/lattices/${data.lattice}`, data.member.token), {
    status: status(200),
    name: member("name", "grid"),
    dimensions: (reply) => JSON.stringify(reply.json("dimensions")) === "[10,10]",
  });
}

export function list(data) {
  demand(get("/api/lattices", data.member.token), {
    status: status(200),
    listed: (reply) => reply.json("items").some((each) => each.id === data.lattice),
  });
}

export function path(data) {
  const wanted = { start: [0, 0], end: [3, 2] };
  demand(post(`/api/lattices/${data.lattice}/pathfind`, wanted, data.member.token), {
    status: status(200),
    reachable: member("reachable", true),
    length: member("length", 5),
    unbroken: (reply) => {
      const found = reply.json("path");
      const ends = JSON.stringify([found[0], found[found.length - 1]]);
      return ends === "[[0,0],[3,2]]" && found.length === 6;
    },
  });
}

export function stranger(data) {
  demand(get(`/api/lattices/${data.lattice}`, data.stranger.token), {
    status: status(404), problem: member("status", 404),
  });
}

export function removal(data) {
  const made = post("/api/lattices", { name: "short-lived" }, data.stranger.token);
  demand(made, { status: status(201) });
  const url = `${URL}/api/lattices/${made.json("id")}`;
  demand(http.del(url, null, at(data.stranger.token)), { status: status(204) });
}

export function webhook(data) {
  const wanted = { url: "https://hooks.example.com/", events: ["lattice.created"] };
  const made = post("/api/webhooks", wanted, data.member.token);
  demand(made, { status: status(201), url: member("url", wanted.url) });
  demand(get(`/api/webhooks/${made.json("id")}`, data.member.token), {
    status: status(200),
    events: (reply) => JSON.stringify(reply.json("events")) === '["lattice.created"]',
  });
}

export function usage(data) {
  demand(get("/api/usage", data.member.token), {
    status: status(200), counted: (reply) => reply.json("totals.calls") > 0,
  });
}
