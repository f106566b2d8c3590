// KafkaJS against one broker: admin, produce (plain, gzip, idempotent) and offsets. `node smoke.js HOST:PORT TOPIC`
// What it wrote is read back by the suite with another client; member.js consumes.
const { Kafka, CompressionTypes, logLevel } = require('kafkajs');

const [bootstrap, topic] = process.argv.slice(2);
const kafka = new Kafka({ clientId: 'smoke', brokers: [bootstrap], logLevel: logLevel.ERROR, retry: { retries: 3 } });

function expect(what, actual, wanted) {
  const [a, w] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (a !== w) throw new Error(`${what}: expected ${w}, got ${a}`);
}

async function send(options, compression, from) {
  const producer = kafka.producer({ allowAutoTopicCreation: false, ...options });
  await producer.connect();
  const messages = [];
  for (let i = from; i < from + 100; i++) {
    messages.push({ partition: i % 2, key: `k${i}`, value: `v${i}`, headers: { n: `${i}` } });
  }
  for (let i = 0; i < 100; i += 10) {
    await producer.send({ topic, acks: -1, compression, messages: messages.slice(i, i + 10) });
  }
  await producer.disconnect();
}

async function main() {
  const admin = kafka.admin();
  await admin.connect();
  expect('created', await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1 }] }), true);
  expect('created again', await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] }), false);
  const cluster = await admin.describeCluster();
  expect('brokers', cluster.brokers.map((b) => `${b.host}:${b.port}`), [bootstrap]);
  await send({}, CompressionTypes.None, 0);
  await send({}, CompressionTypes.GZIP, 100);
  await send({ idempotent: true, maxInFlightRequests: 1 }, CompressionTypes.None, 200);
  const offsets = await admin.fetchTopicOffsets(topic);
  expect('offsets', offsets.map((o) => `${o.partition}:${o.low}-${o.high}`).sort(), ['0:0-150', '1:0-150']);
  const byTime = await admin.fetchTopicOffsetsByTimestamp(topic, 0);
  expect('by time', byTime.map((o) => o.offset), ['0', '0']);
  const configs = await admin.describeConfigs({ resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }] });
  expect('retention.ms', configs.resources[0].configEntries.map((e) => e.configValue), ['604800000']);
  await admin.disconnect();
}

main().catch((error) => { console.error(error); process.exit(1); });
