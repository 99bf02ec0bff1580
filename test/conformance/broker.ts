// A broker on which every API can be called: users, ACLs and delegation tokens, and the groups that some
// versions have, but not switched on.

import type { ClusterOptions } from '../harness/cluster.ts'
import { type KafkaVersion, usesKraft } from '../harness/distribution.ts'
import type { Properties } from '../harness/server-properties.ts'

const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule'

export function brokerSettings(version: KafkaVersion): ClusterOptions {
  const major = Number(version.split('.')[0])
  const minor = Number(version.split('.')[1])
  const isBefore = (otherMajor: number, otherMinor: number) =>
    major < otherMajor || (major === otherMajor && minor < otherMinor)
  const properties: Properties = {
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.sasl.plain.sasl.jaas.config': `${plain} required user_alice="alice-secret";`,
    // The brokers' own listeners know no users.
    'super.users': 'User:alice;User:ANONYMOUS',
    'authorizer.class.name': usesKraft(version)
      ? 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'
      : isBefore(2, 4)
        ? 'kafka.security.auth.SimpleAclAuthorizer'
        : 'kafka.security.authorizer.AclAuthorizer',
    [isBefore(3, 0) ? 'delegation.token.master.key' : 'delegation.token.secret.key']: 'key',
    ...(usesKraft(version) ? groups(version) : {}),
  }
  return { version, properties, listeners: { CLIENT: 'PLAINTEXT', SASL: 'SASL_PLAINTEXT' } }
}

function groups(version: KafkaVersion): Properties {
  const protocols = version.startsWith('3.') ? 'classic,consumer' : 'classic,consumer,share,streams'
  return {
    'group.coordinator.rebalance.protocols': protocols,
    'unstable.feature.versions.enable': true,
  }
}
