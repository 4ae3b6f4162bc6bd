// Three accounts and a lattice, made before all workers and removed after them.
const { expect, request } = require("@playwright/test");

module.exports = async () => {
  const http = await request.newContext({ baseURL: process.env.PRODUCTION_URL });
  const password = "SmokeTest123!@#";
  const register = async (name) => {
    const email = `smoketest-${name}-${Date.now()}@example.com`;
    const reply = await http.post("/api/auth/register", { data: { email, password } });
    expect(reply.status()).toBe(201);
    const body = await reply.json();
    expect(body.email).toBe(email);
    return { email, token: body.access_token, headers: { Authorization: `Bearer ${body.access_token}` } };
  };
  const names = ["member", "stranger", "caller"];
  const [member, stranger, caller] = await Promise.all(names.map(register));
  const data = { name: "grid", dimensions: [10, 10], obstacles: [[5, 5]] };
  const made = await http.post("/api/lattices", { data, headers: member.headers });
  expect(made.status()).toBe(201);
  const lattice = await made.json();
  expect(lattice.name).toBe("grid");
  process.env.MADE = JSON.stringify({ member, stranger, caller, lattice: lattice.id, password });
  return async () => {
    const leave = ({ headers }) => http.delete("/api/auth/me", { headers });
    for (const reply of await Promise.all([member, stranger, caller].map(leave))) {
      expect(reply.status()).toBe(204);
    }
    await http.dispose();
  };
};
