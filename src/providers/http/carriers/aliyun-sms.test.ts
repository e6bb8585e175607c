import { phoneMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const BizId = '900619746936498440^0'
const answered = (Code: string, Message: string, status = 200) => ({
  status,
  body: { Code, Message, RequestId: 'F655A8D5-B967-440B-8683-DAD6FF8DE990', ...(Code === 'OK' && { BizId }) },
})
const call =
  (success: boolean, err_code: string, query = 'secret=s3cret') =>
  () => ({
    query,
    body: JSON.stringify([
      {
        phone_number: '15558675310',
        success,
        err_code,
        err_msg: 'told',
        sms_size: '1',
        biz_id: BizId,
        out_id: 'x',
      },
    ]),
  })

exchange({
  section: {
    carrier: 'aliyun-sms',
    accessKeyId: 'LTAI5tExample',
    accessKeySecret: 'secret',
    signName: '云会议',
    receiptSecret: 's3cret',
    templateIds: { code: { id: 'SMS_71390007', variables: ['code'] }, 'contact-changed': 'SMS_71390008' },
  },
  request: {
    method: 'POST',
    path: '/',
    query: {
      PhoneNumbers: '15558675310',
      SignName: '云会议',
      TemplateCode: 'SMS_71390007',
      TemplateParam: '{"code":"012345"}',
      OutId: phoneMessage.id,
    },
    headers: {
      'x-acs-action': 'SendSms',
      'x-acs-version': '2017-05-25',
      'x-acs-signature-nonce': /^[0-9a-f]{32}$/,
      'x-acs-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      authorization:
        /^ACS3-HMAC-SHA256 Credential=LTAI5tExample,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=[0-9a-f]{64}$/,
    },
  },
  success: { told: answered('OK', 'OK'), accepted: { id: BizId } },
  failures: [
    [
      answered('isv.MOBILE_NUMBER_ILLEGAL', '15558675310 invalid mobile number'),
      'refused',
      /isv\.MOBILE_NUMBER_ILLEGAL/,
    ],
    [answered('isv.BUSINESS_LIMIT_CONTROL', '触发分钟级流控Permits:1'), 'throttled', /BUSINESS_LIMIT/],
    ...(['BLACK_KEY_CONTROL_LIMIT', 'SMS_OPT_OUT', 'DAY_LIMIT_CONTROL', 'MONTH_LIMIT_CONTROL'] as const).map(
      (code) => [answered(`isv.${code}`, 'no'), 'unavailable', new RegExp(code)] as const,
    ),
    [answered('isv.AMOUNT_NOT_ENOUGH', '账户余额不足'), 'unavailable', /AMOUNT_NOT_ENOUGH/],
    [answered('InvalidAccessKeyId.NotFound', 'not found', 404), 'unavailable', /^404 InvalidAccessKeyId/],
  ],
  receipts: [
    [
      call(true, 'DELIVERED'),
      [{ key: BizId, state: 'delivered', providerCode: 'true DELIVERED told', segments: 1 }],
      '{"code":0,"msg":"OK"}',
    ],
    [
      call(false, 'MOBILE_NOT_ON_SERVICE'),
      [{ key: BizId, state: 'undeliverable', providerCode: 'false MOBILE_NOT_ON_SERVICE told', segments: 1 }],
    ],
  ],
  forged: [call(true, 'DELIVERED', ''), call(true, 'DELIVERED', 'secret=x')],
})
