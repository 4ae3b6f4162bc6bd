// The equal checks in newman, which sends one request after the other; a burst is a script.
const newman = require("newman");

const URL = process.env.PRODUCTION_URL;
const PASSWORD = "SmokeTest123!@#";
const NAMES = ["member", "stranger", "caller"];

const status = (wanted) => `pm.response.to.have.status(${wanted});`;
const has = (name, wanted) => `pm.expect(pm.response.json().${name}).to.eql(${JSON.stringify(wanted)});`;
const header = (name, part) => `pm.expect(pm.response.headers.get("${name}")).to.include("${part}");`;
const keep = (name, from) => `pm.collectionVariables.set("${name}", pm.response.json().${from});`;

function item(name, [method, path, { token, body } = {}], demands, after = []) {
  const test = [`pm.test("${name}", () => {`, ...demands, "});", ...after];
  const headers = token ? [{ key: "Authorization", value: `Bearer ${token}` }] : [];
  if (body) headers.push({ key: "Content-Type", value: "application/json" });
  return {
    name,
    event: [{ listen: "test", script: { exec: test } }],
    request: {
      method,
      header: headers,
      url: URL + path,
      body: body && { mode: "raw", raw: JSON.stringify(body) },
    },
  };
}

const member = "{{member_token}}";
const lattice = "/api/lattices/{{lattice}}";
const email = (name) => `smoketest-${name}-${Date.now()}@example.com`;
const emails = Object.fromEntries(NAMES.map((name) => [name, email(name)]));
const login = (password) => ({ body: { email: emails.member, password } });
const burst = `
  const call = (done) => pm.sendRequest({
    url: "${URL}/api/limited",
    header: { Authorization: "Bearer " + pm.collectionVariables.get("caller_token") },
  }, (error, reply) => { replies.push(reply); done(); });
  const replies = [pm.response];
  const wave = (size, then) => {
    let left = size;
    for (let number = 0; number < size; number++) call(() => { if (--left === 0) then(); });
  };
  wave(74, () => wave(75, () => pm.test("limit", () => {
    const refused = replies.filter((reply) => reply.code === 429);
    pm.expect(replies.filter((reply) => reply.code === 200).length).to.equal(100);
    pm.expect(refused.length).to.equal(50);
    for (const reply of refused) pm.expect(reply.headers.get("Retry-After")).to.be.ok;
  })));
`;

const registrations = NAMES.map((name) => item(
  `register ${name}`,
  ["POST", "/api/auth/register", { body: { email: emails[name], password: PASSWORD } }],
  [status(201), has("email", emails[name])],
  [keep(`${name}_token`, "access_token")],
));
const removals = NAMES.map((name) => item(
  `remove ${name}`, ["DELETE", "/api/auth/me", { token: `{{${name}_token}}` }], [status(204)],
));
const checks = [
  item("health", ["GET", "/health"], [status(200), has("status", "healthy")]),
  item("version", ["GET", "/version"], [status(200), has("version", "1.4.2")]),
  item("database", ["GET", "/health/database"], [status(200), has("database", "connected")]),
  item("metrics", ["GET", "/metrics"], [
    status(200), header("Content-Type", "text/plain"),
    'pm.expect(pm.response.text()).to.include("http_requests_total");',
  ]),
  item("openapi", ["GET", "/openapi.json"], [
    status(200), has("openapi", "3.1.0"),
    'pm.expect(pm.response.json().paths).to.have.property("/health");',
  ]),
  item("unknown path", ["GET", "/nowhere"], [
    status(404), header("Content-Type", "application/problem+json"), has("status", 404),
  ]),
  item("headers", ["GET", "/health"], [status(200), header("X-Content-Type-Options", "nosniff")]),
  item("anonymous", ["GET", "/api/auth/me"], [status(401), header("WWW-Authenticate", "Bearer")]),
  item("wrong token", ["GET", "/api/lattices", { token: "made-up-token" }], [
    status(401), header("WWW-Authenticate", "Bearer"),
  ]),
  item("limit", ["GET", "/api/limited", { token: "{{caller_token}}" }], [], [burst]),
  item("login", ["POST", "/api/auth/login", login(PASSWORD)], [
    status(200), has("token_type", "bearer"),
  ], [keep("login_token", "access_token")]),
  item("logged in", ["GET", "/api/auth/me", { token: "{{login_token}}" }], [
    status(200), has("email", emails.member),
  ]),
  item("wrong password", ["POST", "/api/auth/login", login("wrong-password")], [
    status(401), has("status", 401),
  ]),
  item("me", ["GET", "/api/auth/me", { token: member }], [
    status(200), has("email", emails.member),
  ]),
  item("validation", ["POST", "/api/lattices", { token: member, body: {} }], [
    status(422), has("status", 422),
  ]),
  item("lattice", ["GET", lattice, { token: member }], [
    status(200), has("name", "grid"), has("dimensions", [10, 10]),
  ]),
  item("list", ["GET", "/api/lattices", { token: member }], [
    status(200),
    "pm.expect(pm.response.json().items.map((each) => each.id)).to.include(" +
      'pm.collectionVariables.get("lattice"));',
  ]),
  item(
    "path",
    ["POST", `${lattice}/pathfind`, { token: member, body: { start: [0, 0], end: [3, 2] } }],
    [
      status(200), has("reachable", true), has("length", 5),
      has("path[0]", [0, 0]), has("path[5]", [3, 2]), has("path.length", 6),
    ],
  ),
  item("stranger", ["GET", lattice, { token: "{{stranger_token}}" }], [
    status(404), has("status", 404),
  ]),
  item(
    "removal",
    ["POST", "/api/lattices", { token: "{{stranger_token}}", body: { name: "short-lived" } }],
    [status(201)],
    [keep("removed", "id")],
  ),
  item("removed", ["DELETE", "/api/lattices/{{removed}}", { token: "{{stranger_token}}" }], [
    status(204),
  ]),
  item("webhook", ["POST", "/api/webhooks", {
    token: member, body: { url: "https://hooks.example.com/", events: ["lattice.created"] },
  }], [status(201), has("url", "https://hooks.example.com/")], [keep("webhook", "id")]),
  item("kept webhook", ["GET", "/api/webhooks/{{webhook}}", { token: member }], [
    status(200), has("events", ["lattice.created"]),
  ]),
  item("usage", ["GET", "/api/usage", { token: member }], [
    status(200), "pm.expect(pm.response.json().totals.calls).to.be.above(0);",
  ]),
];
const grid = { name: "grid", dimensions: [10, 10], obstacles: [[5, 5]] };
const shared = item("make a lattice", ["POST", "/api/lattices", { token: member, body: grid }], [
  status(201), has("name", "grid"),
], [keep("lattice", "id")]);

newman.run({
  collection: {
    info: { name: "equal", schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" },
    item: [...registrations, shared, ...checks, ...removals],
  },
  sslExtraCaCerts: process.env.CA_FILE,
  reporters: ["cli", "junit"],
  reporter: { junit: { export: process.env.REPORT } },
}, (error, summary) => {
  process.exitCode = error || summary.run.failures.length ? 1 : 0;
});
