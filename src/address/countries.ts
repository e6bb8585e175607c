/** The wire's country keys and their dialling codes: all 170 that the reference lists. */

import type { PhoneNumber } from './phone-number.ts'

/**
 * Case-sensitive, spelled as the reference spells them (meeting_21_0109). Some mislead: `GB` is
 * Guinea-Bissau and `UK` Great Britain, `dominica` is the Dominican Republic, `congoB` and `congoJ` are
 * Brazzaville and Kinshasa, `columbia`, `salvatore` and `BVl` are Colombia, El Salvador and the British
 * Virgin Islands. `saintMartin` is all of +590.
 */
const callingCodes = {
  afghanistan: '93',
  albania: '355',
  algeria: '213',
  andorra: '376',
  angola: '244',
  argentina: '54',
  armenia: '374',
  australia: '61',
  austria: '43',
  azerbaijan: '994',
  bahamas: '1242',
  bahrain: '973',
  bangladesh: '880',
  belarus: '375',
  belgium: '32',
  belize: '501',
  benin: '229',
  Bolivia: '591',
  bosniaAndHerzegovina: '387',
  botswana: '267',
  brazil: '55',
  brunei: '673',
  bulgaria: '359',
  burkinaFaso: '226',
  burundi: '257',
  BVl: '1284',
  cambodia: '855',
  cameroon: '237',
  canada: '1',
  capeVerde: '238',
  caymanIslands: '1345',
  centralAfrican: '236',
  chad: '235',
  chile: '56',
  chinaHKG: '852',
  chinaOMA: '853',
  chinaPR: '86',
  chinaTPE: '886',
  columbia: '57',
  comoros: '269',
  congoB: '242',
  congoJ: '243',
  costarica: '506',
  croatia: '385',
  curacao: '599',
  cyprus: '357',
  CZ: '420',
  denmark: '45',
  djibouti: '253',
  dominica: '1809',
  ecuador: '593',
  egypt: '20',
  equatorialGuinea: '240',
  estonia: '372',
  finland: '358',
  france: '33',
  gabon: '241',
  gambia: '220',
  GB: '245',
  georgia: '995',
  germany: '49',
  ghana: '233',
  greece: '30',
  grenada: '1473',
  guatemala: '502',
  guinea: '224',
  guyana: '592',
  honduras: '504',
  hungary: '36',
  india: '91',
  indonesia: '62',
  iraq: '964',
  ireland: '353',
  israel: '972',
  italy: '39',
  ivoryCoast: '225',
  jamaica: '1876',
  japan: '81',
  jordan: '962',
  kazakhstan: '7',
  kenya: '254',
  kosovo: '383',
  kuwait: '965',
  kyrgyzstan: '996',
  laos: '856',
  latvia: '371',
  lebanon: '961',
  lesotho: '266',
  liberia: '231',
  libya: '218',
  lithuania: '370',
  luxembourg: '352',
  macedonia: '389',
  madagascar: '261',
  malawi: '265',
  malaysia: '60',
  maldives: '960',
  mali: '223',
  malta: '356',
  mauritania: '222',
  mauritius: '230',
  mexico: '52',
  moldova: '373',
  mongolia: '976',
  montenegro: '382',
  morocco: '212',
  mozambique: '258',
  myanmar: '95',
  namibia: '264',
  nepal: '977',
  netherlands: '31',
  newZealand: '64',
  nicaragua: '505',
  niger: '227',
  nigeria: '234',
  norway: '47',
  oman: '968',
  pakistan: '92',
  palestine: '970',
  panama: '507',
  papuaNewGuinea: '675',
  peru: '51',
  philippines: '63',
  poland: '48',
  portugal: '351',
  puertoRico: '1787',
  qatar: '974',
  romania: '40',
  russia: '7',
  rwanda: '250',
  saintMartin: '590',
  salvatore: '503',
  saudiArabia: '966',
  senegal: '221',
  serbia: '381',
  seychelles: '248',
  sierraLeone: '232',
  singapore: '65',
  slovakia: '421',
  slovenia: '386',
  somalia: '252',
  southAfrica: '27',
  southKorea: '82',
  spain: '34',
  sriLanka: '94',
  suriname: '597',
  SVGrenadines: '1784',
  swaziland: '268',
  sweden: '46',
  switzerland: '41',
  tajikistan: '992',
  tanzania: '255',
  TAT: '1868',
  thailand: '66',
  togo: '228',
  tunisia: '216',
  turkey: '90',
  turkmenistan: '993',
  uae: '971',
  uganda: '256',
  UK: '44',
  ukraine: '380',
  uruguay: '598',
  usa: '1',
  uzbekistan: '998',
  venezuela: '58',
  vietNam: '84',
  yemen: '967',
  zambia: '260',
  zimbabwe: '263',
} as const

export type CountryKey = keyof typeof callingCodes

export const countryKeys = Object.keys(callingCodes) as readonly CountryKey[]

/** The country of a call that names none. */
export const defaultCountryKey: CountryKey = 'chinaPR'

export function isCountryKey(text: string): text is CountryKey {
  return Object.hasOwn(callingCodes, text)
}

export function callingCodeOf(key: CountryKey): string {
  return callingCodes[key]
}

/** The keys of each listed code. Two codes are shared: +1 by usa and canada, +7 by russia and kazakhstan. */
const keysOfCode: ReadonlyMap<string, readonly CountryKey[]> = Map.groupBy(
  countryKeys,
  (key) => callingCodes[key] as string,
)

const maxCodeLength = 4

/**
 * The longest listed code that a number begins with. Nine keys have a code of the form +1xxx: their numbers belong to
 * them and not to +1. The list has one area code for each country. So a number with another area code (Dominican
 * Republic +1829, Jamaica +1658, Puerto Rico +1939) counts as +1, and so does one of a country of +1 that is not listed.
 */
function listedCodeOf(number: PhoneNumber): string | undefined {
  for (let length = maxCodeLength; length > 0; length--) {
    const code = number.e164.slice(1, 1 + length)
    if (keysOfCode.has(code)) return code
  }
  return undefined
}

/** Whether the number may be given with this key: its longest listed code is the key's. */
export function isNumberOfCountry(key: CountryKey, number: PhoneNumber): boolean {
  return listedCodeOf(number) === callingCodes[key]
}

/** Under a shared code: the regions with a key of their own, and the key of all other numbers. */
const keyOfRegion: Readonly<Record<string, CountryKey>> = { CA: 'canada', KZ: 'kazakhstan' }
const mainKeyOfCode: Readonly<Record<string, CountryKey>> = { '1': 'usa', '7': 'russia' }

/**
 * The key to show for a number whose member named none; the wire takes it back with that number.
 * Undefined for a country that is not listed (e.g. Iceland).
 */
export function countryKeyOf(number: PhoneNumber): CountryKey | undefined {
  const code = listedCodeOf(number)
  if (code === undefined) return undefined
  const own = keyOfRegion[number.region]
  if (own !== undefined && callingCodes[own] === code) return own
  return mainKeyOfCode[code] ?? keysOfCode.get(code)?.[0]
}
