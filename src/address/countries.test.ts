import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import examples from 'libphonenumber-js/examples.mobile.json'
import {
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  getExampleNumber,
} from 'libphonenumber-js/max'
import {
  type CountryKey,
  callingCodeOf,
  countryKeyOf,
  countryKeys,
  defaultCountryKey,
  isCountryKey,
  isNumberOfCountry,
} from './countries.ts'
import { type PhoneNumber, parsePhoneNumber } from './phone-number.ts'

/** The ISO 3166-1 region of each key, taken from the names and not from the codes. */
const regionOf = new Map(
  `afghanistan:AF albania:AL algeria:DZ andorra:AD angola:AO argentina:AR armenia:AM australia:AU austria:AT
  azerbaijan:AZ bahamas:BS bahrain:BH bangladesh:BD belarus:BY belgium:BE belize:BZ benin:BJ Bolivia:BO
  bosniaAndHerzegovina:BA botswana:BW brazil:BR brunei:BN bulgaria:BG burkinaFaso:BF burundi:BI BVl:VG
  cambodia:KH cameroon:CM canada:CA capeVerde:CV caymanIslands:KY centralAfrican:CF chad:TD chile:CL
  chinaHKG:HK chinaOMA:MO chinaPR:CN chinaTPE:TW columbia:CO comoros:KM congoB:CG congoJ:CD costarica:CR
  croatia:HR curacao:CW cyprus:CY CZ:CZ denmark:DK djibouti:DJ dominica:DO ecuador:EC egypt:EG
  equatorialGuinea:GQ estonia:EE finland:FI france:FR gabon:GA gambia:GM GB:GW georgia:GE germany:DE ghana:GH
  greece:GR grenada:GD guatemala:GT guinea:GN guyana:GY honduras:HN hungary:HU india:IN indonesia:ID iraq:IQ
  ireland:IE israel:IL italy:IT ivoryCoast:CI jamaica:JM japan:JP jordan:JO kazakhstan:KZ kenya:KE kosovo:XK
  kuwait:KW kyrgyzstan:KG laos:LA latvia:LV lebanon:LB lesotho:LS liberia:LR libya:LY lithuania:LT
  luxembourg:LU macedonia:MK madagascar:MG malawi:MW malaysia:MY maldives:MV mali:ML malta:MT mauritania:MR
  mauritius:MU mexico:MX moldova:MD mongolia:MN montenegro:ME morocco:MA mozambique:MZ myanmar:MM namibia:NA
  nepal:NP netherlands:NL newZealand:NZ nicaragua:NI niger:NE nigeria:NG norway:NO oman:OM pakistan:PK
  palestine:PS panama:PA papuaNewGuinea:PG peru:PE philippines:PH poland:PL portugal:PT puertoRico:PR qatar:QA
  romania:RO russia:RU rwanda:RW saintMartin:MF salvatore:SV saudiArabia:SA senegal:SN serbia:RS seychelles:SC
  sierraLeone:SL singapore:SG slovakia:SK slovenia:SI somalia:SO southAfrica:ZA southKorea:KR spain:ES
  sriLanka:LK suriname:SR SVGrenadines:VC swaziland:SZ sweden:SE switzerland:CH tajikistan:TJ tanzania:TZ
  TAT:TT thailand:TH togo:TG tunisia:TN turkey:TR turkmenistan:TM uae:AE uganda:UG UK:GB ukraine:UA uruguay:UY
  usa:US uzbekistan:UZ venezuela:VE vietNam:VN yemen:YE zambia:ZM zimbabwe:ZW`
    .split(/\s+/)
    .map((pair) => pair.split(':') as [CountryKey, CountryCode]),
)

function numberOf(text: string): PhoneNumber {
  const parsed = parsePhoneNumber(text)
  return parsed.kind === 'parsed' ? parsed.address : assert.fail(`${text}: ${parsed.reason}`)
}

function exampleOf(region: CountryCode): PhoneNumber {
  return numberOf(getExampleNumber(region, examples)?.number ?? assert.fail(`${region} has no example`))
}

test('there are 170 keys, with the codes the reference gives them', () => {
  assert.equal(countryKeys.length, 170)
  const lines = countryKeys.map((key) => `${key},${callingCodeOf(key)}\n`).join('')
  assert.equal(
    createHash('sha256').update(lines).digest('hex'),
    'bfc6f8f27463f72b42e2b21ead547000f487c24dcb74c1faa164634b22f42478',
  )
})

test('every code is one of the country that its key names', () => {
  assert.deepEqual([...regionOf.keys()], [...countryKeys])
  for (const [key, region] of regionOf) {
    const code = getCountryCallingCode(region)
    // An island of +1 is listed with its area code.
    assert.equal(callingCodeOf(key).slice(0, code.length), code, key)
    assert.equal(callingCodeOf(key).length > code.length, /^1.../.test(callingCodeOf(key)), key)
  }
})

test('the absent key is chinaPR', () => {
  assert.equal(defaultCountryKey, 'chinaPR')
  assert.ok(isNumberOfCountry(defaultCountryKey, numberOf('+8613800138000')))
})

test('keys are case-sensitive, and nothing else is one', () => {
  for (const key of countryKeys) assert.ok(isCountryKey(key))
  for (const text of ['', 'chinapr', 'CHINAPR', 'China', 'bolivia', '86', '+86', '__proto__', 'toString'])
    assert.equal(isCountryKey(text), false, text)
})

test("every key takes its own country's mobile and is shown for it", () => {
  for (const [key, region] of regionOf) {
    const number = exampleOf(region)
    assert.ok(isNumberOfCountry(key, number), key)
    assert.equal(countryKeyOf(number), key)
  }
})

test('no key takes a mobile of a key with another code', () => {
  for (const [own, region] of regionOf) {
    const number = exampleOf(region)
    for (const key of countryKeys)
      assert.equal(
        isNumberOfCountry(key, number),
        callingCodeOf(key) === callingCodeOf(own),
        `${own}, ${key}`,
      )
  }
})

test('the nine islands listed as +1xxx lie inside +1 and are neither usa nor canada', () => {
  const islands = countryKeys.filter((key) => /^1.../.test(callingCodeOf(key)))
  assert.equal(islands.length, 9)
  for (const key of islands) {
    const number = exampleOf(regionOf.get(key)!)
    assert.deepEqual(
      [isNumberOfCountry(key, number), isNumberOfCountry('usa', number), isNumberOfCountry('canada', number)],
      [true, false, false],
    )
  }
})

const shown: readonly (readonly [
  text: string,
  taken: readonly CountryKey[],
  shown: CountryKey,
  why: string,
])[] = [
  ['+12423591234', ['bahamas'], 'bahamas', 'not usa, canada'],
  ['+12025550123', ['canada', 'usa'], 'usa', 'Washington'],
  ['+15062345678', ['canada', 'usa'], 'canada', 'New Brunswick'],
  ['+79123456789', ['kazakhstan', 'russia'], 'russia', 'a Russian mobile'],
  ['+77710009998', ['kazakhstan', 'russia'], 'kazakhstan', 'a Kazakh mobile'],
  ['+18092345678', ['dominica'], 'dominica', 'the Dominican Republic'],
  ['+18292345678', ['canada', 'usa'], 'usa', 'the Dominican Republic by an area code not listed'],
  ['+16582345678', ['canada', 'usa'], 'usa', 'Jamaica by an area code not listed'],
  ['+19392345678', ['canada', 'usa'], 'usa', 'Puerto Rico by an area code not listed'],
  ['+17672251234', ['canada', 'usa'], 'usa', 'the island of Dominica, which has no key'],
  ['+447781123456', ['UK'], 'UK', 'Guernsey'],
  ['+590690001234', ['saintMartin'], 'saintMartin', 'Guadeloupe'],
  ['+5993181234', ['curacao'], 'curacao', 'Bonaire'],
]

for (const [text, taken, key, why] of shown)
  test(`${text} may be given with ${taken.join(' or ')} and is shown as ${key}: ${why}`, () => {
    const number = numberOf(text)
    assert.deepEqual(
      countryKeys.filter((one) => isNumberOfCountry(one, number)),
      taken,
    )
    assert.equal(countryKeyOf(number), key)
  })

test('the key shown for a number is one it may be given with, and an unlisted country has none', () => {
  const listed = new Set(countryKeys.map(callingCodeOf))
  for (const region of getCountries()) {
    const number = exampleOf(region)
    const key = countryKeyOf(number)
    assert.equal(key !== undefined, listed.has(getCountryCallingCode(region)), region)
    if (key) assert.ok(isNumberOfCountry(key, number), region)
  }
  assert.equal(countryKeyOf(exampleOf('IS')), undefined)
})
