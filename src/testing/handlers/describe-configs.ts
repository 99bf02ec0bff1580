// DescribeConfigs: the configurations of topics, brokers, groups and client metrics, with their sources.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  DescribeConfigsRequest,
  DescribeConfigsResource,
  DescribeConfigsResourceResult,
  DescribeConfigsResponse,
  DescribeConfigsResult,
} from '../../protocol/messages/describe-configs.ts'
import type { ConfigSynonym } from '../configs/broker-configs.ts'
import { configRefusal } from '../configs/config-access.ts'
import { configTypes } from '../configs/config-definition.ts'
import type { DescribedConfig } from '../configs/config-resource.ts'
import { findResource, resourceTypes } from '../configs/config-resources.ts'
import type { RequestContext } from '../handler.ts'

export function handleDescribeConfigs(
  context: RequestContext,
  request: DescribeConfigsRequest,
): DescribeConfigsResponse {
  const results = request.resources.map((resource) => {
    return describeOne(context, resource, request.includeSynonyms)
  })
  return { throttleTimeMs: 0, results }
}

function describeOne(
  context: RequestContext,
  { resourceType, resourceName, configurationKeys }: DescribeConfigsResource,
  includeSynonyms: boolean,
): DescribeConfigsResult {
  const { state, node } = context
  const refusal = configRefusal(context, 'DESCRIBE_CONFIGS', resourceType, resourceName)
  if (refusal !== 0) {
    return { errorCode: refusal, errorMessage: null, resourceType, resourceName, configs: [] }
  }
  const resource = findResource(state, node.id, resourceType, resourceName)
  if (!('describe' in resource)) {
    const isMissingTopic =
      resourceType === resourceTypes.TOPIC &&
      resource.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    const errorMessage = isMissingTopic ? null : resource.errorMessage
    return { errorCode: resource.errorCode, errorMessage, resourceType, resourceName, configs: [] }
  }
  // An empty list asks for all, as no list does.
  const keys = configurationKeys?.length === 0 ? null : configurationKeys
  const configs = resource
    .describe()
    .filter(({ name }) => keys === null || keys.includes(name))
    .map((config) => toResult(config, includeSynonyms))
  return { errorCode: 0, errorMessage: '', resourceType, resourceName, configs }
}

function toResult(
  { name, value, type, readOnly, source, synonyms, isSensitive = false }: DescribedConfig,
  includeSynonyms: boolean,
): DescribeConfigsResourceResult {
  const shown = (synonym: ConfigSynonym) => (isSensitive ? { ...synonym, value: null } : synonym)
  return {
    name,
    value,
    readOnly,
    configSource: source,
    isSensitive,
    synonyms: includeSynonyms ? synonyms.map(shown) : [],
    configType: configTypes[type],
    documentation: null,
  }
}
