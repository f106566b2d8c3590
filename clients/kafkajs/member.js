// A member of a group on KafkaJS. Arguments and lines: see clients/groups/program.py.
const { Kafka, logLevel } = require('kafkajs');

const [bootstrap, groupId, topic, ...rest] = process.argv.slice(2);
const options = Object.fromEntries(rest.map((argument) => argument.split('=')));
const kafka = new Kafka({ clientId: 'member', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 30 } });
const consumer = kafka.consumer({ groupId, sessionTimeout: Number(options.session), heartbeatInterval: 500, rebalanceTimeout: 6000,
  metadataMaxAge: 1000, maxWaitTimeInMs: 100 });

// A commit that a rebalance refuses is no failure: the records are read again by their new owner.
const PASSING = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

async function eachBatch({ batch, heartbeat }) {
  for (const message of batch.messages) console.log(`read ${batch.topic} ${batch.partition} ${message.offset}`);
  await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: `${BigInt(batch.lastOffset()) + 1n}` }]);
  console.log('committed');
  await heartbeat();
}

async function main() {
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const assigned = Object.entries(payload.memberAssignment).flatMap(([name, ps]) => ps.map((p) => `${name}:${p}`));
    console.log(['assigned', ...assigned.sort()].join(' '));
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (payload.restart || PASSING.includes(payload.error.type)) return;
    console.error(payload.error);
    process.exit(1);
  });
  process.on('SIGTERM', async () => {
    await consumer.disconnect();
    process.exit(0);
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [options.pattern ? new RegExp(`^${topic}.*`) : topic], fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatch });
}

main().catch((error) => { console.error(error); process.exit(1); });
