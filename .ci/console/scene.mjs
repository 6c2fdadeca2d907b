// The traffic for the screenshots: some minutes of a shop.
import http from 'node:http';

const SECOND_MS = 1000;
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Starts a service that mostly succeeds, with a realistic URL. */
async function startShop() {
  let count = 0;
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      count += 1;
      const isDeclined = request.url === '/charge/declined' || (request.url === '/charge' && count % 4 === 0);
      const status = isDeclined ? 402 : 200;
      const answer = status === 200 ? { done: true } : { error: 'card declined: insufficient funds' };
      setTimeout(() => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer)), 20 + (count * 37) % 90);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

/** Publishes for this number of minutes; returns a message that failed after a retry. */
export async function playScene(sigpost, minutes) {
  const shop = await startShop();
  const publish = (destination, headers, body) =>
    sigpost.api('POST', `/v2/publish/${destination}`, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  const json = { 'content-type': 'application/json' };
  await sigpost.api('POST', '/v2/queues', { headers: json, body: '{"queueName": "invoices", "parallelism": 2}' });
  await sigpost.api('POST', '/v2/queues', { headers: json, body: '{"queueName": "imports", "paused": true}' });
  for (const [id, cron] of [['nightly-report', 'CRON_TZ=Europe/Berlin 0 3 * * *'], ['remind-customers', '30 8 * * MON'], ['refresh-prices', '*/10 * * * *']]) {
    const headers = { 'upstash-cron': cron, 'upstash-schedule-id': id };
    await sigpost.api('POST', `/v2/schedules/${shop.url}/${id}`, { headers, body: '{}' });
  }
  await sigpost.api('POST', '/v2/schedules/remind-customers/pause');
  const failed = await publish(`${shop.url}/charge/declined`, { 'upstash-retries': '1', 'upstash-retry-delay': '1000', 'upstash-label': 'order-1041' }, { order: 1041, cents: 4990 });
  const ends = Date.now() + minutes * 60 * SECOND_MS;
  for (let order = 1042; Date.now() < ends; order += 1) {
    await publish(`${shop.url}/charge`, { 'upstash-retries': '1', 'upstash-retry-delay': '1000', 'upstash-label': `order-${order}` }, { order, cents: 990 + (order % 7) * 500 });
    await publish(`${shop.url}/invoice`, { 'upstash-queue-name': 'invoices' }, { order });
    if (order % 3 === 0) {
      await publish(`${sigpost.url}/api/jobs/email`, {}, { template: 'welcome', to: 'ada@example.com', data: { recipientName: 'Ada', dashboardUrl: 'https://shop.example/me' } });
      await publish(`${sigpost.url}/api/jobs/cleanup`, {}, { retention: 90 });
    }
    if (order % 9 === 0) await publish(`${sigpost.url}/api/jobs/email`, { 'upstash-retries': '0' }, { template: 'welcome', to: 'no-address' });
    if (order % 5 === 0) await publish(`${shop.url}/import`, { 'upstash-queue-name': 'imports' }, { file: `prices-${order}.csv` });
    await wait((2 + (order * 7) % 5) * SECOND_MS);
  }
  return { failed: failed.messageId, stop: shop.stop };
}
