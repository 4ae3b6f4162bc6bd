// The equal checks with Playwright's request API, which speaks HTTP/1.1.
const { expect, test } = require("@playwright/test");

const made = JSON.parse(process.env.MADE);
const { member, stranger, caller, lattice, password } = made;

async function demand(reply, status, members = {}) {
  expect(reply.status()).toBe(status);
  if (Object.keys(members).length) expect(await reply.json()).toMatchObject(members);
}

test("health", async ({ request }) => {
  await demand(await request.get("/health"), 200, { status: "healthy" });
});

test("version", async ({ request }) => {
  await demand(await request.get("/version"), 200, { version: "1.4.2" });
});

test("database", async ({ request }) => {
  await demand(await request.get("/health/database"), 200, { database: "connected" });
});

test("metrics", async ({ request }) => {
  const reply = await request.get("/metrics");
  await demand(reply, 200);
  expect(reply.headers()["content-type"]).toContain("text/plain");
  expect(await reply.text()).toContain("http_requests_total");
});

test("openapi", async ({ request }) => {
  const reply = await request.get("/openapi.json");
  await demand(reply, 200, { openapi: "3.1.0" });
  expect(Object.keys((await reply.json()).paths)).toContain("/health");
});

test("unknown path", async ({ request }) => {
  const reply = await request.get("/nowhere");
  await demand(reply, 404, { status: 404 });
  expect(reply.headers()["content-type"]).toContain("application/problem+json");
});

test("headers", async ({ request }) => {
  const reply = await request.get("/health");
  await demand(reply, 200);
  expect(reply.headers()["x-content-type-options"]).toBe("nosniff");
});

test("anonymous", async ({ request }) => {
  const reply = await request.get("/api/auth/me");
  await demand(reply, 401);
  expect(reply.headers()["www-authenticate"]).toContain("Bearer");
});

test("wrong token", async ({ request }) => {
  const headers = { Authorization: "Bearer made-up-token" };
  const reply = await request.get("/api/lattices", { headers });
  await demand(reply, 401);
  expect(reply.headers()["www-authenticate"]).toContain("Bearer");
});

test("limit", async ({ request }) => {
  const replies = [];
  for (const _ of [0, 1]) {
    const call = () => request.get("/api/limited", { headers: caller.headers });
    replies.push(...(await Promise.all(Array.from({ length: 75 }, call))));
  }
  const refused = replies.filter((reply) => reply.status() === 429);
  expect(replies.filter((reply) => reply.status() === 200)).toHaveLength(100);
  expect(refused).toHaveLength(50);
  for (const reply of refused) expect(reply.headers()["retry-after"]).toBeTruthy();
});

test("login", async ({ request }) => {
  const data = { email: member.email, password };
  const reply = await request.post("/api/auth/login", { data });
  await demand(reply, 200, { token_type: "bearer" });
  const headers = { Authorization: `Bearer ${(await reply.json()).access_token}` };
  await demand(await request.get("/api/auth/me", { headers }), 200, { email: member.email });
});

test("wrong password", async ({ request }) => {
  const data = { email: member.email, password: "wrong-password" };
  await demand(await request.post("/api/auth/login", { data }), 401, { status: 401 });
});

test("me", async ({ request }) => {
  const reply = await request.get("/api/auth/me", { headers: member.headers });
  await demand(reply, 200, { email: member.email });
});

test("validation", async ({ request }) => {
  const reply = await request.post("/api/lattices", { data: {}, headers: member.headers });
  await demand(reply, 422, { status: 422 });
});

test("lattice", async ({ request }) => {
  const reply = await request.get(`/api/lattices/${lattice}`, { headers: member.headers });
  await demand(reply, 200, { name: "grid", dimensions: [10, 10] });
});

test("list", async ({ request }) => {
  const reply = await request.get("/api/lattices", { headers: member.headers });
  await demand(reply, 200);
  expect((await reply.json()).items.map((each) => each.id)).toContain(lattice);
});

test("path", async ({ request }) => {
  const data = { start: [0, 0], end: [3, 2] };
  const options = { data, headers: member.headers };
  const reply = await request.post(`/api/lattices/${lattice}/pathfind`, options);
  await demand(reply, 200, { reachable: true, length: 5 });
  const { path } = await reply.json();
  expect([path[0], path[path.length - 1], path.length]).toEqual([[0, 0], [3, 2], 6]);
});

test("stranger", async ({ request }) => {
  const reply = await request.get(`/api/lattices/${lattice}`, { headers: stranger.headers });
  await demand(reply, 404, { status: 404 });
});

test("removal", async ({ request }) => {
  const options = { data: { name: "short-lived" }, headers: stranger.headers };
  const reply = await request.post("/api/lattices", options);
  await demand(reply, 201);
  const { id } = await reply.json();
  await demand(await request.delete(`/api/lattices/${id}`, { headers: stranger.headers }), 204);
});

test("webhook", async ({ request }) => {
  const data = { url: "https://hooks.example.com/", events: ["lattice.created"] };
  const reply = await request.post("/api/webhooks", { data, headers: member.headers });
  await demand(reply, 201, { url: data.url });
  const { id } = await reply.json();
  const kept = await request.get(`/api/webhooks/${id}`, { headers: member.headers });
  await demand(kept, 200, { events: ["lattice.created"] });
});

test("usage", async ({ request }) => {
  const reply = await request.get("/api/usage", { headers: member.headers });
  await demand(reply, 200);
  expect((await reply.json()).totals.calls).toBeGreaterThan(0);
});
