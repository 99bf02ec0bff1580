// Option names that users bring along from kafkajs, librdkafka and the Java client, and the names that
// they have here. A name that differs only in case, dots or underscores needs no entry.

/** By the foreign name in camelCase: the name here, or what to do instead. */
const names: Readonly<Record<string, string>> = {
  // kafkajs: the client
  brokers: 'bootstrapServers',
  connectionTimeout: 'socketConnectionSetupTimeoutMs',
  authenticationTimeout: 'socketConnectionSetupTimeoutMs',
  requestTimeout: 'requestTimeoutMs',
  enforceRequestTimeout: '! leave it out: requests always have a time limit (requestTimeoutMs)',
  reauthenticationThreshold: '! leave it out: sessions are renewed when 85 to 95 percent are over',
  retry: '! use retryBackoffMs and retryBackoffMaxMs of new Kafka(), and retries of the producer',
  maxRetryTime: 'retryBackoffMaxMs',
  initialRetryTime: 'retryBackoffMs',
  logLevel: "! filter by level in the 'logger' that you give",
  logCreator: 'logger',
  socketFactory: "! use 'connect', a function that gives the socket, and 'ssl' for TLS",
  kafkaJs: '! give its options directly, by the names they have here',
  kafkaJS: '! give its options directly, by the names they have here',
  // kafkajs: the producer
  createPartitioner: 'partitioner',
  metadataMaxAge: 'metadataMaxAgeMs',
  allowAutoTopicCreation: 'allowAutoCreateTopics',
  transactionTimeout: 'transactionTimeoutMs',
  idempotent: 'enableIdempotence',
  maxInFlightRequests: 'maxInFlightRequestsPerConnection',
  compression: 'compressionType',
  messages: '! send() takes one record, and sendBatch() takes an array of them',
  topicMessages: '! sendBatch() takes an array of records, each with its topic',
  timeout: 'timeoutMs',
  // kafkajs: the consumer
  partitionAssigners: 'partitionAssignors',
  sessionTimeout: 'sessionTimeoutMs',
  rebalanceTimeout: 'maxPollIntervalMs',
  heartbeatInterval: 'heartbeatIntervalMs',
  maxBytesPerPartition: 'maxPartitionFetchBytes',
  minBytes: 'fetchMinBytes',
  maxBytes: 'fetchMaxBytes',
  maxWaitTimeInMs: 'fetchMaxWaitMs',
  rackId: 'clientRack',
  readUncommitted: "! set isolationLevel: 'read_uncommitted' or 'read_committed'",
  fromBeginning: "! set autoOffsetReset: 'earliest'",
  autoCommit: 'enableAutoCommit',
  autoCommitInterval: 'autoCommitIntervalMs',
  autoCommitThreshold: 'autoCommitIntervalMs',
  eachMessage: '! give the handler to consumer.run(handler)',
  eachBatch:
    '! give the handler to consumer.run(handler, { batch: true }), or use consumer.batches()',
  eachBatchAutoResolve: '! leave it out: what a handler has finished is committed',
  partitionsConsumedConcurrently: 'concurrency',
  topic: 'topics',
  // librdkafka
  metadataBrokerList: 'bootstrapServers',
  securityProtocol: "! set 'ssl' for TLS and 'sasl' for SASL, or both",
  saslMechanisms: "! set mechanism in 'sasl'",
  saslMechanism: "! set mechanism in 'sasl'",
  saslUsername: "! set username in 'sasl'",
  saslPassword: "! set password in 'sasl'",
  saslJaasConfig: "! set mechanism, username and password in 'sasl'",
  saslOauthbearerConfig: "! set token in 'sasl', a function that gives the token",
  oauthbearerTokenRefreshCb: "! set token in 'sasl', a function that gives the token",
  oauthBearerProvider: "! set token in 'sasl', a function that gives the token",
  sslCaLocation: "! set ca in 'ssl' to the content of that file",
  sslCaPem: "! set ca in 'ssl'",
  sslCertificateLocation: "! set cert in 'ssl' to the content of that file",
  sslCertificatePem: "! set cert in 'ssl'",
  sslKeyLocation: "! set key in 'ssl' to the content of that file",
  sslKeyPem: "! set key in 'ssl'",
  sslKeyPassword: "! set passphrase in 'ssl'",
  enableSslCertificateVerification: "! set rejectUnauthorized in 'ssl'",
  sslEndpointIdentificationAlgorithm: "! set checkServerIdentity in 'ssl'",
  socketTimeoutMs: 'requestTimeoutMs',
  topicMetadataRefreshIntervalMs: 'metadataMaxAgeMs',
  queueBufferingMaxMs: 'lingerMs',
  queueBufferingMaxKbytes: 'bufferMemory',
  messageTimeoutMs: 'deliveryTimeoutMs',
  messageSendMaxRetries: 'retries',
  messageMaxBytes: 'maxRequestSize',
  batchNumMessages: 'batchSize',
  compressionCodec: 'compressionType',
  requestRequiredAcks: 'acks',
  requireAcks: 'acks',
  requestTimeoutS: 'requestTimeoutMs',
  drCb: 'onDelivery',
  drMsgCb: 'onDelivery',
  enableGaplessGuarantee: 'gapless',
  enableAutoOffsetStore: '! leave it out: a record is committed when its handler has finished',
  fetchWaitMaxMs: 'fetchMaxWaitMs',
  fetchMessageMaxBytes: 'maxPartitionFetchBytes',
  queuedMaxMessagesKbytes: 'maxBufferedBytes',
  rebalanceCb: "! use 'onAssigned', 'onRevoked' and 'onLost'",
  statsCb: '! call health() of the consumer',
  statisticsIntervalMs: '! call health() of the consumer',
  eventCb: 'logger',
  logCb: 'logger',
  debug: "! give a 'logger'; its debug() gets the details",
  // Java
  keySerializer: '! make the topic by kafka.topic(name, { key, value }), with its serdes',
  valueSerializer: '! make the topic by kafka.topic(name, { key, value }), with its serdes',
  partitionerClass: 'partitioner',
  interceptorClasses: 'interceptors',
  partitionAssignmentStrategy: 'partitionAssignors',
  sslTruststoreLocation: "! set ca in 'ssl' to the authorities' certificates, as PEM",
  sslTruststorePassword: "! set ca in 'ssl' to the authorities' certificates, as PEM",
  sslTruststoreCertificates: "! set ca in 'ssl'",
  sslKeystoreLocation: "! set pfx in 'ssl' to the content of that file (PKCS#12)",
  sslKeystorePassword: "! set passphrase in 'ssl'",
  sslKeystoreKey: "! set key in 'ssl'",
  sslKeystoreCertificateChain: "! set cert in 'ssl'",
  // Inside ssl and sasl
  serviceName: 'kerberosServiceName',
  saslKerberosServiceName: "! set kerberosServiceName in 'sasl'",
  saslOauthbearerTokenEndpointUrl: "! set tokenEndpointUrl in 'sasl'",
  saslOauthbearerClientId: "! set clientId in 'sasl'",
  saslOauthbearerClientSecret: "! set clientSecret in 'sasl'",
  saslOauthbearerScope: "! set scope in 'sasl'",
  user: 'username',
  oauthBearerToken: 'token',
}

/** What an option of another client is called here. */
export interface ForeignName {
  /** The name here; null if such an option does not exist. */
  readonly name: string | null
  /** What to do instead of setting such an option; null if `name` says it all. */
  readonly advice: string | null
}

/** `bootstrap.servers` as `bootstrapServers`. */
export function camelCase(key: string): string {
  return key.replaceAll(/[._-]+(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** What `key` is called here; null unless it is a name of kafkajs, librdkafka or Java that differs. */
export function findForeignName(key: string): ForeignName | null {
  const camel = camelCase(key)
  const found = Object.hasOwn(names, camel) ? names[camel] : null
  if (found === null) return null
  return found.startsWith('! ')
    ? { name: null, advice: found.slice(2) }
    : { name: found, advice: null }
}
