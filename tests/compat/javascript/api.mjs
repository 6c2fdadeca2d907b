/** Sends a request that the SDK has no method for. Returns the response. */
export async function request(method, path, { headers = {}, body } = {}) {
  const response = await fetch(process.env.QSTASH_URL + path, {
    method,
    headers: { Authorization: `Bearer ${process.env.QSTASH_TOKEN}`, ...headers },
    body,
  });
  return { status: response.status, body: await response.json() };
}
