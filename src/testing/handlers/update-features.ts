// UpdateFeatures: changes the level of a finalized feature, within what the cluster supports.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  FeatureUpdateKey,
  UpdateFeaturesRequest,
  UpdateFeaturesResponse,
} from '../../protocol/messages/update-features.ts'
import { featureProperties, fixedLevels, supportedFeatures } from '../features.ts'
import type { RequestContext } from '../handler.ts'
import { clusterError } from '../security/authorize.ts'

const UPGRADE = 1
const ALL_FEATURES = 99
/** Before this version each feature has its result. */
const TOP_LEVEL_SINCE = 2

export function handleUpdateFeatures(
  context: RequestContext,
  { featureUpdates, validateOnly }: UpdateFeaturesRequest,
): UpdateFeaturesResponse {
  const refusal = clusterError(context, 'ALTER')
  if (refusal !== 0)
    return { throttleTimeMs: 0, errorCode: refusal, errorMessage: null, results: [] }
  const { state, version } = context
  const { properties } = state
  const problems = featureUpdates.map((update) => findProblem(update, properties))
  const first = problems.find((problem) => problem !== null) ?? null
  if (first === null && !validateOnly) {
    for (const { feature, maxVersionLevel } of featureUpdates) {
      const property = featureProperties[feature]
      if (property !== undefined) properties[property] = Math.max(maxVersionLevel, 0)
      state.featuresEpoch++
    }
  }
  const results = featureUpdates.map(({ feature }, i) => ({
    feature,
    errorCode: problems[i] === null ? 0 : errorCodes.INVALID_UPDATE_VERSION,
    errorMessage: problems[i],
  }))
  return {
    throttleTimeMs: 0,
    errorCode: first === null ? 0 : errorCodes.INVALID_UPDATE_VERSION,
    errorMessage: first,
    results: version >= TOP_LEVEL_SINCE ? [] : results,
  }
}

function findProblem(
  { feature, maxVersionLevel, allowDowngrade, upgradeType }: FeatureUpdateKey,
  properties: Readonly<Record<'groupVersion' | 'shareVersion' | 'transactionVersion', number>>,
): string | null {
  const supported = supportedFeatures(ALL_FEATURES).find(({ name }) => name === feature)
  const invalid = (reason: string): string => {
    return `Invalid update version ${maxVersionLevel} for feature ${feature}. ${reason}`
  }
  if (supported === undefined) return invalid('The feature is not supported.')
  const { minVersion, maxVersion } = supported
  const level = Math.max(maxVersionLevel, 0)
  if (level > maxVersion || level < minVersion) {
    return invalid(`Brokers only support versions ${minVersion}-${maxVersion}`)
  }
  const property = featureProperties[feature]
  if (property === undefined) {
    return level === fixedLevels[feature]
      ? null
      : invalid(`This cluster keeps it at ${fixedLevels[feature]}.`)
  }
  const mayLower = allowDowngrade || upgradeType > UPGRADE
  return level < properties[property] && !mayLower
    ? invalid("Can't downgrade the version of this feature without setting the upgrade type.")
    : null
}
