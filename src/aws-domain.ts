/** The domain of Amazon's services, by region. */

/**
 * AWS SDK for JavaScript v3, packages/util-endpoints/src/lib/aws/partitions.json: `regionRegex` and `dnsSuffix`.
 * A region that fits no other partition belongs to the first, aws, which gets new regions most often.
 */
const partitions: readonly (readonly [region: RegExp, domain: string])[] = [
  [/^cn-/, 'amazonaws.com.cn'],
  [/^us-iso-/, 'c2s.ic.gov'],
  [/^us-isob-/, 'sc2s.sgov.gov'],
  [/^eu-isoe-/, 'cloud.adc-e.uk'],
  [/^us-isof-/, 'csp.hci.ic.gov'],
  [/^eusc-/, 'amazonaws.eu'],
]

/** @param region  Such as `eu-west-1`. */
export function awsDomain(region: string): string {
  return partitions.find(([of]) => of.test(region))?.[1] ?? 'amazonaws.com'
}
