// The configurations of a 4.4 broker, as its DescribeConfigs lists them:
// name, type, who may change it, default, and the range of a number.
//
// `fixed`: set when the broker starts. `dynamic`: for one broker or for all. `broker`: for one broker only.
// `listener`: only behind the prefix of a listener. '-': without a default, '': an empty one.

import { type ConfigDefinition, type ConfigType, configTypes } from './config-definition.ts'

export type ConfigScope = 'fixed' | 'dynamic' | 'broker' | 'listener'

export interface BrokerConfigDefinition extends Omit<ConfigDefinition, 'default'> {
  readonly scope: ConfigScope
  readonly default: string | null
}

const rows = `
add.partitions.to.txn.retry.backoff.max.ms INT fixed 100
add.partitions.to.txn.retry.backoff.ms INT fixed 20
advertised.listeners LIST fixed -
alter.config.policy.class.name CLASS fixed -
alter.log.dirs.replication.quota.window.num INT fixed 11
alter.log.dirs.replication.quota.window.size.seconds INT fixed 1
authorizer.class.name STRING fixed ''
auto.create.topics.enable BOOLEAN fixed true
auto.leader.rebalance.enable BOOLEAN fixed true
background.threads INT dynamic 10 1..
broker.heartbeat.interval.ms INT fixed 2000
broker.id INT fixed -1
broker.rack STRING fixed -
broker.session.timeout.ms INT fixed 9000
client.quota.callback.class CLASS fixed -
compression.gzip.level INT dynamic -1
compression.lz4.level INT dynamic 9 1..17
compression.type STRING dynamic producer
compression.zstd.level INT dynamic 3 -131072..22
config.providers LIST dynamic ''
connection.failed.authentication.delay.ms INT fixed 100
connections.max.idle.ms LONG fixed 600000
connections.max.reauth.ms LONG fixed 0
controlled.shutdown.enable BOOLEAN fixed true
controller.listener.names LIST fixed -
controller.quorum.append.linger.ms INT fixed 25
controller.quorum.auto.join.enable BOOLEAN fixed false
controller.quorum.bootstrap.servers LIST fixed ''
controller.quorum.election.backoff.max.ms INT fixed 1000
controller.quorum.election.timeout.ms INT fixed 1000
controller.quorum.fetch.max.bytes INT fixed 1048576
controller.quorum.fetch.snapshot.max.bytes INT fixed 1048576
controller.quorum.fetch.timeout.ms INT fixed 2000
controller.quorum.request.timeout.ms INT fixed 2000
controller.quorum.retry.backoff.ms INT fixed 20
controller.quorum.voters LIST fixed ''
controller.quota.window.num INT fixed 11
controller.quota.window.size.seconds INT fixed 1
controller.socket.timeout.ms INT fixed 30000
cordoned.log.dirs LIST broker ''
create.topic.policy.class.name CLASS fixed -
default.replication.factor INT fixed 1
delegation.token.expiry.check.interval.ms LONG fixed 3600000
delegation.token.expiry.time.ms LONG fixed 86400000
delegation.token.max.lifetime.ms LONG fixed 604800000
delegation.token.secret.key PASSWORD fixed -
delete.records.purgatory.purge.interval.requests INT fixed 1
delete.topic.enable BOOLEAN fixed true
early.start.listeners LIST fixed -
errors.deadletterqueue.auto.create.topics.enable BOOLEAN dynamic false
errors.deadletterqueue.topic.name.prefix STRING dynamic dlq.
fetch.max.bytes INT fixed 57671680
fetch.purgatory.purge.interval.requests INT fixed 1000
follower.fetch.last.tiered.offset.enable BOOLEAN dynamic false
group.consumer.assignment.interval.ms INT dynamic 1000 0..
group.consumer.assignors LIST fixed uniform,range
group.consumer.heartbeat.interval.ms INT fixed 5000
group.consumer.max.assignment.interval.ms INT fixed 15000
group.consumer.max.heartbeat.interval.ms INT fixed 15000
group.consumer.max.session.timeout.ms INT fixed 60000
group.consumer.max.size INT fixed 2147483647
group.consumer.migration.policy STRING fixed bidirectional
group.consumer.min.assignment.interval.ms INT fixed 0
group.consumer.min.heartbeat.interval.ms INT fixed 5000
group.consumer.min.session.timeout.ms INT fixed 45000
group.consumer.session.timeout.ms INT fixed 45000
group.coordinator.append.linger.ms INT fixed -1
group.coordinator.background.threads INT fixed 2
group.coordinator.cached.buffer.max.bytes INT dynamic 1048588 524288..
group.coordinator.rebalance.protocols LIST fixed classic,consumer,streams
group.coordinator.threads INT fixed 4
group.initial.rebalance.delay.ms INT fixed 3000
group.max.session.timeout.ms INT fixed 1800000
group.max.size INT fixed 2147483647
group.min.session.timeout.ms INT fixed 6000
group.share.assignment.interval.ms INT dynamic 1000 0..
group.share.assignors LIST fixed simple
group.share.delivery.count.limit INT fixed 5
group.share.heartbeat.interval.ms INT fixed 5000
group.share.max.assignment.interval.ms INT fixed 15000
group.share.max.delivery.count.limit INT fixed 10
group.share.max.heartbeat.interval.ms INT fixed 15000
group.share.max.partition.max.record.locks INT fixed 4000
group.share.max.record.lock.duration.ms INT fixed 60000
group.share.max.session.timeout.ms INT fixed 60000
group.share.max.share.sessions INT fixed 2000
group.share.max.size INT fixed 200
group.share.min.assignment.interval.ms INT fixed 0
group.share.min.delivery.count.limit INT fixed 2
group.share.min.heartbeat.interval.ms INT fixed 5000
group.share.min.partition.max.record.locks INT fixed 100
group.share.min.record.lock.duration.ms INT fixed 15000
group.share.min.session.timeout.ms INT fixed 45000
group.share.partition.max.record.locks INT fixed 2000
group.share.record.lock.duration.ms INT fixed 30000
group.share.session.timeout.ms INT fixed 45000
group.streams.assignment.interval.ms INT dynamic 1000 0..
group.streams.assignors LIST fixed sticky
group.streams.heartbeat.interval.ms INT fixed 5000
group.streams.initial.rebalance.delay.ms INT fixed 3000
group.streams.max.assignment.interval.ms INT fixed 15000
group.streams.max.heartbeat.interval.ms INT fixed 15000
group.streams.max.session.timeout.ms INT fixed 60000
group.streams.max.size INT fixed 2147483647
group.streams.max.standby.replicas INT fixed 2
group.streams.min.assignment.interval.ms INT fixed 0
group.streams.min.heartbeat.interval.ms INT fixed 5000
group.streams.min.session.timeout.ms INT fixed 45000
group.streams.num.standby.replicas INT fixed 0
group.streams.rack.aware.assignment.tags LIST fixed ''
group.streams.session.timeout.ms INT fixed 45000
group.streams.topology.description.plugin.class CLASS fixed -
initial.broker.registration.timeout.ms INT fixed 60000
inter.broker.listener.name STRING fixed -
kafka.metrics.polling.interval.secs INT fixed 10
kafka.metrics.reporters LIST fixed ''
leader.imbalance.check.interval.seconds LONG fixed 300
listener.security.protocol.map STRING broker SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT
listeners LIST broker PLAINTEXT://:9092
log.cleaner.backoff.ms LONG dynamic 15000 0..
log.cleaner.dedupe.buffer.size LONG dynamic 134217728
log.cleaner.delete.retention.ms LONG dynamic 86400000 0..
log.cleaner.enable BOOLEAN fixed true
log.cleaner.io.buffer.load.factor DOUBLE dynamic 0.9
log.cleaner.io.buffer.size INT dynamic 524288 0..
log.cleaner.io.max.bytes.per.second DOUBLE dynamic 1.7976931348623157E308
log.cleaner.max.compaction.lag.ms LONG dynamic 9223372036854775807 1..
log.cleaner.min.cleanable.ratio DOUBLE dynamic 0.5 0..1
log.cleaner.min.compaction.lag.ms LONG dynamic 0 0..
log.cleaner.threads INT dynamic 1 0..
log.cleanup.policy LIST dynamic delete
log.dir LIST fixed /tmp/kafka-logs
log.dir.failure.timeout.ms LONG fixed 30000
log.dirs LIST fixed -
log.flush.interval.messages LONG dynamic 9223372036854775807 1..
log.flush.interval.ms LONG dynamic -
log.flush.offset.checkpoint.interval.ms INT fixed 60000
log.flush.scheduler.interval.ms LONG fixed 9223372036854775807
log.flush.start.offset.checkpoint.interval.ms INT fixed 60000
log.index.interval.bytes INT dynamic 4096 0..
log.index.size.max.bytes INT dynamic 10485760 4..
log.local.retention.bytes LONG dynamic -2 -2..
log.local.retention.ms LONG dynamic -2 -2..
log.message.timestamp.after.max.ms LONG dynamic 3600000 0..
log.message.timestamp.before.max.ms LONG dynamic 9223372036854775807 0..
log.message.timestamp.type STRING dynamic CreateTime
log.preallocate BOOLEAN dynamic false
log.remote.copy.lag.bytes LONG dynamic -1 -1..
log.remote.copy.lag.ms LONG dynamic 0 -1..
log.retention.bytes LONG dynamic -1
log.retention.check.interval.ms LONG fixed 300000
log.retention.hours INT fixed 168
log.retention.minutes INT fixed -
log.retention.ms LONG dynamic -
log.roll.hours INT fixed 168
log.roll.jitter.hours INT fixed 0
log.roll.jitter.ms LONG dynamic -
log.roll.ms LONG dynamic -
log.segment.bytes INT dynamic 1073741824 1048576..
log.segment.delete.delay.ms LONG dynamic 60000 0..
max.connection.creation.rate INT dynamic 2147483647 0..
max.connections INT dynamic 2147483647 0..
max.connections.per.ip INT dynamic 2147483647 0..
max.connections.per.ip.overrides STRING dynamic ''
max.decompressed.message.bytes INT dynamic 2147483639 1..2147483639
max.incremental.fetch.session.cache.slots INT fixed 1000
max.request.partition.size.limit INT fixed 2000
message.max.bytes INT dynamic 1048588 0..
metadata.log.dir STRING fixed -
metadata.log.max.record.bytes.between.snapshots LONG fixed 20971520
metadata.log.max.snapshot.interval.ms LONG fixed 3600000
metadata.log.segment.bytes INT fixed 1073741824
metadata.log.segment.ms LONG fixed 604800000
metadata.max.idle.interval.ms INT fixed 500
metadata.max.retention.bytes LONG fixed 104857600
metadata.max.retention.ms LONG fixed 604800000
metric.reporters LIST dynamic org.apache.kafka.common.metrics.JmxReporter
metrics.num.samples INT fixed 2
metrics.recording.level STRING fixed INFO
metrics.sample.window.ms LONG fixed 30000
min.insync.replicas INT dynamic 1 1..
node.id INT fixed -
num.io.threads INT dynamic 8 1..
num.network.threads INT dynamic 3 1..
num.partitions INT fixed 1
num.recovery.threads.per.data.dir INT dynamic 2 1..
num.replica.alter.log.dirs.threads INT fixed -
num.replica.fetchers INT dynamic 1 1..
offset.metadata.max.bytes INT fixed 4096
offsets.commit.timeout.ms INT fixed 5000
offsets.load.buffer.size INT fixed 5242880
offsets.retention.check.interval.ms LONG fixed 600000
offsets.retention.minutes INT fixed 10080
offsets.topic.compression.codec INT fixed 0
offsets.topic.num.partitions INT fixed 50
offsets.topic.replication.factor SHORT fixed 3
offsets.topic.segment.bytes INT fixed 104857600
principal.builder.class CLASS dynamic org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder
process.roles LIST fixed -
producer.id.expiration.ms INT dynamic 86400000 1..
producer.purgatory.purge.interval.requests INT fixed 1000
queued.max.request.bytes LONG fixed -1
queued.max.requests INT fixed 500
quota.window.num INT fixed 11
quota.window.size.seconds INT fixed 1
remote.fetch.max.wait.ms INT dynamic 500 1..
remote.list.offsets.request.timeout.ms LONG dynamic 30000 1..
remote.log.index.file.cache.total.size.bytes LONG dynamic 1073741824 1..
remote.log.manager.copier.thread.pool.size INT dynamic 10 1..
remote.log.manager.copy.max.bytes.per.second LONG dynamic 9223372036854775807 1..
remote.log.manager.copy.quota.window.num INT fixed 11
remote.log.manager.copy.quota.window.size.seconds INT fixed 1
remote.log.manager.expiration.thread.pool.size INT dynamic 10 1..
remote.log.manager.fetch.max.bytes.per.second LONG dynamic 9223372036854775807 1..
remote.log.manager.fetch.quota.window.num INT fixed 11
remote.log.manager.fetch.quota.window.size.seconds INT fixed 1
remote.log.manager.follower.thread.pool.size INT dynamic 2 1..
remote.log.manager.task.interval.ms LONG fixed 30000
remote.log.manager.thread.pool.size INT fixed 2
remote.log.metadata.custom.metadata.max.bytes INT fixed 128
remote.log.metadata.manager.class.name STRING fixed org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager
remote.log.metadata.manager.class.path STRING fixed -
remote.log.metadata.manager.impl.prefix STRING fixed rlmm.config.
remote.log.metadata.manager.listener.name STRING fixed -
remote.log.reader.max.pending.tasks INT fixed 100
remote.log.reader.threads INT dynamic 10 1..
remote.log.storage.manager.class.name STRING fixed -
remote.log.storage.manager.class.path STRING fixed -
remote.log.storage.manager.impl.prefix STRING fixed rsm.config.
remote.log.storage.system.enable BOOLEAN fixed false
replica.fetch.backoff.ms INT fixed 1000
replica.fetch.max.bytes INT fixed 1048576
replica.fetch.min.bytes INT fixed 1
replica.fetch.response.max.bytes INT fixed 10485760
replica.fetch.wait.max.ms INT fixed 500
replica.high.watermark.checkpoint.interval.ms LONG fixed 5000
replica.lag.time.max.ms LONG fixed 30000
replica.selector.class STRING fixed -
replica.socket.receive.buffer.bytes INT fixed 65536
replica.socket.timeout.ms INT fixed 30000
replication.quota.window.num INT fixed 11
replication.quota.window.size.seconds INT fixed 1
request.timeout.ms INT fixed 30000
sasl.client.callback.handler.class CLASS fixed -
sasl.enabled.mechanisms LIST broker GSSAPI
sasl.jaas.config PASSWORD broker -
sasl.kerberos.kinit.cmd STRING broker /usr/bin/kinit
sasl.kerberos.min.time.before.relogin LONG broker 60000
sasl.kerberos.principal.to.local.rules LIST broker DEFAULT
sasl.kerberos.service.name STRING broker -
sasl.kerberos.ticket.renew.jitter DOUBLE broker 0.05
sasl.kerberos.ticket.renew.window.factor DOUBLE broker 0.8
sasl.login.callback.handler.class CLASS fixed -
sasl.login.class CLASS fixed -
sasl.login.connect.timeout.ms INT fixed -
sasl.login.read.timeout.ms INT fixed -
sasl.login.refresh.buffer.seconds SHORT broker 300
sasl.login.refresh.min.period.seconds SHORT broker 60
sasl.login.refresh.window.factor DOUBLE broker 0.8
sasl.login.refresh.window.jitter DOUBLE broker 0.05
sasl.login.retry.backoff.max.ms LONG fixed 10000
sasl.login.retry.backoff.ms LONG fixed 100
sasl.mechanism.controller.protocol STRING fixed GSSAPI
sasl.mechanism.inter.broker.protocol STRING broker GSSAPI
sasl.oauthbearer.allow.unverified.audience BOOLEAN fixed false
sasl.oauthbearer.allow.unverified.issuer BOOLEAN fixed false
sasl.oauthbearer.assertion.algorithm STRING fixed RS256
sasl.oauthbearer.assertion.claim.aud STRING fixed -
sasl.oauthbearer.assertion.claim.exp.seconds INT fixed 300
sasl.oauthbearer.assertion.claim.iss STRING fixed -
sasl.oauthbearer.assertion.claim.jti.include BOOLEAN fixed false
sasl.oauthbearer.assertion.claim.nbf.seconds INT fixed 60
sasl.oauthbearer.assertion.claim.sub STRING fixed -
sasl.oauthbearer.assertion.file STRING fixed -
sasl.oauthbearer.assertion.private.key.file STRING fixed -
sasl.oauthbearer.assertion.private.key.passphrase PASSWORD fixed -
sasl.oauthbearer.assertion.template.file STRING fixed -
sasl.oauthbearer.client.credentials.client.id STRING fixed -
sasl.oauthbearer.client.credentials.client.secret PASSWORD fixed -
sasl.oauthbearer.clock.skew.seconds INT fixed 30
sasl.oauthbearer.expected.audience LIST fixed ''
sasl.oauthbearer.expected.issuer STRING fixed -
sasl.oauthbearer.jwks.endpoint.refresh.ms LONG fixed 3600000
sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms LONG fixed 10000
sasl.oauthbearer.jwks.endpoint.retry.backoff.ms LONG fixed 100
sasl.oauthbearer.jwks.endpoint.url STRING fixed -
sasl.oauthbearer.jwt.retriever.class CLASS fixed org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever
sasl.oauthbearer.jwt.validator.class CLASS fixed org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator
sasl.oauthbearer.scope STRING fixed -
sasl.oauthbearer.scope.claim.name STRING fixed scope
sasl.oauthbearer.sub.claim.name STRING fixed sub
sasl.oauthbearer.token.endpoint.url STRING fixed -
sasl.server.callback.handler.class CLASS fixed -
sasl.server.max.receive.size INT fixed 524288
security.inter.broker.protocol STRING fixed PLAINTEXT
security.providers STRING fixed -
share.coordinator.append.linger.ms INT fixed -1
share.coordinator.cached.buffer.max.bytes INT dynamic 1048588 524288..
share.coordinator.load.buffer.size INT fixed 5242880
share.coordinator.snapshot.update.records.per.snapshot INT fixed 500
share.coordinator.state.topic.compression.codec INT fixed 0
share.coordinator.state.topic.min.isr SHORT fixed 2
share.coordinator.state.topic.num.partitions INT fixed 50
share.coordinator.state.topic.replication.factor SHORT fixed 3
share.coordinator.state.topic.segment.bytes INT fixed 104857600
share.coordinator.threads INT fixed 1
share.coordinator.write.timeout.ms INT fixed 5000
share.fetch.purgatory.purge.interval.requests INT fixed 1000
socket.connection.setup.timeout.max.ms LONG fixed 30000
socket.connection.setup.timeout.ms LONG fixed 10000
socket.listen.backlog.size INT fixed 50
socket.receive.buffer.bytes INT fixed 102400
socket.request.max.bytes INT fixed 104857600
socket.send.buffer.bytes INT fixed 102400
ssl.allow.dn.changes BOOLEAN fixed false
ssl.allow.san.changes BOOLEAN fixed false
ssl.cipher.suites LIST broker ''
ssl.client.auth STRING dynamic none
ssl.enabled.protocols LIST broker TLSv1.2,TLSv1.3
ssl.endpoint.identification.algorithm STRING broker https
ssl.engine.factory.class CLASS dynamic -
ssl.key.password PASSWORD listener -
ssl.keymanager.algorithm STRING broker SunX509
ssl.keystore.certificate.chain PASSWORD listener -
ssl.keystore.key PASSWORD listener -
ssl.keystore.location STRING listener -
ssl.keystore.password PASSWORD listener -
ssl.keystore.type STRING listener JKS
ssl.principal.mapping.rules STRING fixed DEFAULT
ssl.protocol STRING broker TLSv1.3
ssl.provider STRING broker -
ssl.secure.random.implementation STRING broker -
ssl.trustmanager.algorithm STRING broker PKIX
ssl.truststore.certificates PASSWORD listener -
ssl.truststore.location STRING listener -
ssl.truststore.password PASSWORD listener -
ssl.truststore.type STRING listener JKS
telemetry.max.bytes INT fixed 1048576
transaction.abort.timed.out.transaction.cleanup.interval.ms INT fixed 10000
transaction.max.timeout.ms INT fixed 900000
transaction.partition.verification.enable BOOLEAN dynamic true
transaction.remove.expired.transaction.cleanup.interval.ms INT fixed 3600000
transaction.state.log.load.buffer.size INT fixed 5242880
transaction.state.log.min.isr INT fixed 2
transaction.state.log.num.partitions INT fixed 50
transaction.state.log.replication.factor SHORT fixed 3
transaction.state.log.segment.bytes INT fixed 104857600
transaction.two.phase.commit.enable BOOLEAN fixed false
transactional.id.expiration.ms INT fixed 604800000
unclean.leader.election.enable BOOLEAN dynamic false
`

export const brokerConfigTable: ReadonlyMap<string, BrokerConfigDefinition> = new Map(
  rows
    .trim()
    .split('\n')
    .map((row) => {
      const [name, type, scope, fallback, range = '..'] = row.split(' ')
      const [min, max] = range.split('..')
      if (!isType(type) || !isScope(scope)) throw new Error(`no configuration of a broker: ${row}`)
      const bounds = {
        ...(min === '' ? {} : { min: Number(min) }),
        ...(max === '' ? {} : { max: Number(max) }),
      }
      return [name, { type, scope, default: defaultOf(fallback), ...bounds }]
    }),
)

function defaultOf(text: string): string | null {
  if (text === '-') return null
  return text === "''" ? '' : text
}

function isType(text: string): text is ConfigType {
  return Object.hasOwn(configTypes, text)
}

function isScope(text: string): text is ConfigScope {
  return ['fixed', 'dynamic', 'broker', 'listener'].includes(text)
}
