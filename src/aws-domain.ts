/** Amazon's partitions: the domain that the services of a region are in. */

/**
 * AWS SDK for JavaScript v3, packages/util-endpoints/src/lib/aws/partitions.json: `regionRegex` and `dnsSuffix`.
 * What no other partition claims is of the first, aws, whose regions grow in number.
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
