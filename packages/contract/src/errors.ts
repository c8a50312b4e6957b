/** What is known of a code. */
export interface ErrorInfo {
  meaning: string
  /** The sentence that travels, in the forms that carry one. */
  reason?: string
  /** The wire's `errorType`, where it is not the code. */
  type?: string
}

/**
 * Every error code an operation can answer: what it means, and the sentence that travels in the forms that carry one.
 * The codes are the wire's own; how each travels is declared by the operation (operation.ts, `ErrorForm`).
 */
const table = {
  // Requests
  'invalid-params': { meaning: 'The request does not have the documented shape.' },
  'error-invalid-sort': { meaning: 'The `sort` parameter is not a JSON object of fields and 1 or -1.' },
  'error-invalid-fields': { meaning: 'The `fields` parameter is not a JSON object of fields and 0 or 1.' },
  'error-invalid-query': { meaning: 'The `query` parameter is not a JSON object.' },
  'error-unauthorized': {
    reason: 'User does not have the permissions required for this action',
    meaning: 'The caller lacks the permission the operation names.',
  },
  unauthorized: { meaning: 'The caller lacks a permission that depends on what was asked for.' },
  'error-too-many-requests': { meaning: 'A rate limit was met; `Retry-After` says when to come back.' },

  // Sessions
  'sign-in-failed': {
    meaning: 'Unknown user, wrong password, expired token or deactivated account: always the same answer.',
  },

  // Visitors
  'invalid-token': { meaning: 'No visitor has this token.' },
  'error-invalid-token': { reason: 'Token cannot be empty', meaning: 'The token is blank, too long or too short.' },
  'error-invalid-email': {
    reason: 'Invalid email',
    meaning: 'The e-mail address has no `@` with something on both sides.',
  },
  'error-invalid-department': {
    reason: 'The department is invalid',
    meaning: 'No such department, or it is disabled.',
  },
  'visitor-has-open-rooms': {
    reason: 'Cannot remove visitors with opened rooms',
    meaning: 'The visitor still talks; close the room first.',
  },

  // Rooms
  'invalid-room': { meaning: 'No such room for this caller. A foreign room and a missing one are the same.' },
  'room-closed': { meaning: 'The conversation has ended.' },
  'no-agent-online': { reason: 'Sorry, no online agents', meaning: 'Nobody is there to answer.' },
  'error-routing-method-not-available': {
    meaning: 'The setting `Livechat_Routing_Method` names a method that this server does not have.',
  },
  'error-omnichannel-is-disabled': { meaning: 'The setting `Livechat_enabled` is off.' },
  'error-not-allowed-to-close-conversation': { meaning: 'Visitors may not close conversations on this server.' },
  'error-room-cannot-be-closed-try-again': { meaning: 'Somebody else closes the room at this moment.' },
  'error-comment-is-required': { meaning: 'A comment is asked for when closing.' },
  'error-invalid-room': { meaning: 'No such room.' },
  'error-room-already-closed': { meaning: 'The room was closed before.' },
  'error-not-authorized': { meaning: 'The caller may not do this in this room.' },
  'error-not-allowed': { meaning: 'The caller may not do this.' },
  'error-max-number-simultaneous-chats-reached': { meaning: 'The agent serves as many chats as allowed.' },
  'error-room-not-found': {
    reason: 'The required "roomId" or "roomName" param provided does not match any channel',
    meaning: 'No such room, or the caller may not see it.',
  },
  'room-not-allowed': {
    reason: 'not-allowed',
    type: 'Not Allowed',
    meaning: 'No such room, or the caller may not see it.',
  },
  'error-invalid-date-range': { meaning: 'A start or end is not a date.' },
  'error-invalid-custom-fields-filter': {
    reason: 'The "customFields" query parameter must be a valid JSON.',
    meaning: 'The filter is not a JSON object.',
  },

  // Inquiries
  'error-not-found': { reason: 'Inquiry not found', meaning: 'No such inquiry.' },
  'error-inquiry-taken': { reason: 'Inquiry already taken', meaning: 'Somebody else was faster.' },
  'error-agent-status-service-offline': {
    reason: 'Agent status is offline or Omnichannel service is not active',
    meaning: 'The agent cannot take chats now.',
  },
  'user-invalid': { reason: 'The user is invalid', meaning: 'No user has this id.' },

  // Messages
  'invalid-message': { meaning: 'No such message in this room for this caller.' },
  'error-action-not-allowed': { meaning: 'Editing or deleting is switched off, or the message is somebody else’s.' },
  'message-length-exceeds-character-limit': { meaning: 'The text is longer than the setting allows.' },
  'error-token-param-not-provided': { meaning: 'The `token` parameter is empty.' },
  'error-message-size-exceeded': {
    reason: 'Message size exceeds Message_MaxAllowedSize',
    meaning: 'The text is longer than `Message_MaxAllowedSize`.',
  },
  'invalid-channel': { reason: 'Invalid channel', meaning: 'No such room, or the caller may not write in it.' },
  'not-allowed': { meaning: 'The caller may not read this room.' },
  'message-not-found': { meaning: 'No message has this id.' },
  'error-message-not-found': {
    reason: 'The provided "messageId" does not match any existing message.',
    meaning: 'No message has this id, or the caller may not read its room.',
  },
  'error-invalid-emoji': { reason: 'Invalid emoji provided.', meaning: 'This is the name of no emoji.' },
  'error-too-many-reactions': {
    reason: 'Too many reactions',
    meaning: 'The message carries as many different emoji as it may.',
  },
  'message-of-other-room': {
    reason: 'The room id provided does not match where the message is from.',
    meaning: 'The message lies in another room.',
  },

  // Agents and users
  'invalid-agent': { meaning: 'Nobody serves this room.' },
  'agent-not-found': { meaning: 'No agent is free.' },
  'agent-unknown': { reason: 'Agent not found', meaning: 'No agent has this id.' },
  'invalid-type': { reason: 'Invalid type', meaning: 'The type is neither `agent` nor `manager`.' },
  'user-not-found': { reason: 'User not found', meaning: 'No user has this id or name.' },
  'error-user-param-not-provided': {
    reason: 'The required "userId" or "username" param was not provided',
    meaning: 'The request names no user.',
  },
  'error-invalid-user': { reason: 'Invalid user', meaning: 'No user has this id or name.' },
  'error-user-deactivated': { meaning: 'The account is deactivated.' },
  'error-field-unavailable': { reason: 'is already in use :(', meaning: 'Another user has this name or address.' },
  'error-invalid-status': {
    reason: 'Valid status types include online, away, offline, and busy.',
    meaning: 'Unknown status.',
  },
  'error-status-not-allowed': { reason: 'Invisible status is disabled', meaning: 'Being invisible is switched off.' },
  'error-invalid-role': { reason: 'Invalid role', meaning: 'No role has this name.' },
  'error-invalid-username': {
    reason: 'Invalid username',
    meaning: 'A username is 1–64 letters, digits, dots, dashes and underscores.',
  },
  'error-password-policy': { reason: 'The password is too short', meaning: 'A password has at least 8 characters.' },
  'error-last-administrator': {
    reason: 'One administrator must remain',
    meaning: 'The change would lock everybody out.',
  },

  // Roles and settings
  'error-edit-permissions-not-allowed': {
    reason: 'Editing permissions is not allowed',
    meaning: 'The caller may not edit permissions.',
  },
  'error-invalid-body-params': { reason: 'Invalid body params', meaning: 'The body does not list permissions.' },
  'error-invalid-permission': { reason: 'Invalid permission', meaning: 'A permission has no such id.' },
  'setting-not-found': { meaning: 'No setting has this id, or it cannot be changed.' },

  // Departments
  'error-department-not-found': { reason: 'Department not found', meaning: 'No department has this id.' },
  'department-not-found': { reason: 'Department not found', meaning: 'No department has this id.' },
  'error-archived-department-cant-be-enabled': {
    reason: 'Archived departments cannot be enabled',
    meaning: 'The department is archived: take it out of the archive first.',
  },
  'error-validating-department-chat-closing-tags': {
    reason: 'At least one closing tag is needed',
    meaning: 'The department asks for a tag when closing and names none.',
  },
  'error-fallback-department-circular': {
    reason: 'A department cannot fall back to itself',
    meaning: 'The fallback leads, directly or over others, back to the department.',
  },
  'error-fallback-department-not-found': {
    reason: 'Fallback department not found',
    meaning: 'No department has the id of the fallback.',
  },
  'selector-required': { reason: "The 'selector' param is required", meaning: 'The selector is absent or empty.' },
  'selector-unreadable': { reason: 'The selector is not a JSON object', meaning: 'The selector is not a JSON object.' },
  'ids-required': { reason: "The 'ids' param is required", meaning: 'The request names no ids.' },
  'ids-not-a-list': { reason: "The 'ids' param must be an array", meaning: 'The ids are not a list.' },
  'error-user-is-not-agent': { meaning: 'The person is no agent.' },
  // Accounts
  'error-site-url-missing': {
    reason: 'Links need the address of this server: set DESKBELL_SITE_URL or the setting Site_Url',
    meaning:
      'Neither `DESKBELL_SITE_URL` nor `Site_Url` is an http or https URL, so that no letter with a link can be written.',
  },
  'error-mail-not-configured': {
    reason: 'Letters need a mail server and a sender: set DESKBELL_SMTP_URL and DESKBELL_MAIL_FROM',
    meaning: 'The server cannot write letters.',
  },
  'error-invalid-link': {
    reason: 'This link does not work',
    meaning: 'The link is unknown, was used, has expired or was replaced.',
  },
  'error-email-param-not-provided': {
    reason: "The 'email' param is required",
    meaning: 'The request names no address.',
  },
  'error-invalid-password': {
    reason: 'Invalid password',
    meaning: 'The current password is missing or wrong.',
  },
  'error-password-same-as-current': {
    reason: 'Entered password same as current password',
    meaning: 'The new password is the old one.',
  },

  // Mail
  'offline-message-not-sent': {
    reason: 'Error sending Omnichannel offline message',
    meaning:
      'The form is switched off, nobody is configured to receive messages, or the given e-mail address cannot be answered.',
  },
  'error-invalid-visitor': { meaning: 'No such room, or it is not that visitor’s.' },
  'invalid email': {
    meaning: 'Not an e-mail address, or not the one that the visitor registered with.',
  },
  'error-transcript-already-requested': { meaning: 'A transcript is mailed when the conversation ends already.' },
  'error-transcript-not-requested': { meaning: 'No transcript was asked for.' },
  // Files
  'error-file-upload-disabled': {
    meaning: 'The settings `Livechat_fileupload_enabled` or `FileUpload_Enabled` are off.',
  },
  'not-multipart': { reason: 'The body is not a form', meaning: 'The content type is not `multipart/form-data`.' },
  'unreadable-form': {
    reason: 'The form could not be read',
    meaning: 'The form ends before its end, has too many parts or too long ones, or comes too slowly.',
  },
  'no-file': { type: 'No file uploaded', meaning: 'The form has no part `file`.' },
  'invalid-field': { meaning: 'The form has a file in another part than `file`, or more than one.' },
  'error-type-not-allowed': { meaning: 'The settings do not take files of this type.' },
  'error-size-not-allowed': {
    meaning: 'The file is larger than `FileUpload_MaxFileSize`; `sizeAllowed` says what is.',
  },
  'error-file-too-large': { meaning: 'The file is larger than `FileUpload_MaxFileSize`.' },
  'invalid-file': { meaning: 'The caller has no such file in this room, or sent it before.' },
  // Subscriptions
  'error-invalid-subscription': { meaning: 'No such room, or the caller is not in it.' },
  'error-no-message-for-unread': {
    reason: 'There are no messages to mark unread',
    meaning: 'Nobody else has written in the room.',
  },
  // Closing rooms and after
  'error-tags-must-be-assigned-before-closing-chat': {
    meaning: 'The department asks for tags when closing, and there are none.',
  },
  'invalid-data': { meaning: 'None of the answers is one of the survey.' },
  'error-this-is-not-a-livechat-room': { meaning: 'It is a channel, and no conversation.' },
  'error-room-is-not-closed': { meaning: 'The conversation has not ended.' },
  'not-authorized-in-room': { reason: 'Not_authorized', meaning: 'The caller is not in this room.' },
  'error-room-is-already-on-hold': { meaning: 'The conversation is on hold.' },
  'error-cannot-place-chat-on-hold': { meaning: 'The visitor spoke last: the agent must answer first.' },
  'error-unserved-rooms-cannot-be-placed-onhold': { meaning: 'Nobody serves the conversation.' },
  'invalid-param': { meaning: 'The id is blank.' },
  'error-room-not-on-hold': { meaning: 'The conversation is not on hold.' },
  'agent-not-online': { reason: 'Provided agent is not online', meaning: 'The agent cannot take the chat now.' },
  // Transfers
  'error-room-onHold': { meaning: 'The room is on hold; it has to be resumed first.' },
  'error-forwarding-department-target-not-allowed': {
    reason: 'The target department is not allowed',
    meaning: 'The department of the room forwards to others only.',
  },
  'error-transferring-inquiry': { meaning: 'The conversation has ended.' },
  'error-forwarding-chat-same-department': { meaning: 'The room is in this department already.' },
  'error-no-agents-online-in-department': {
    meaning: 'Nobody of the department, or of those it falls back to, can take the room.',
  },
  This_conversation_is_already_closed: { meaning: 'The conversation has ended.' },
  'error-forwarding-chat': { meaning: 'No agent and no department was named, or the agent cannot take the room.' },
  'error-user-is-offline': { meaning: 'The agent is not there, or no agent has this id.' },
  'error-user-not-belong-to-department': { meaning: 'The agent does not work in the department.' },
  'error-selected-agent-room-agent-are-same': { meaning: 'The agent serves the room already.' },
  'visitor-not-found': { meaning: 'No visitor has this id.' },
  'invalid-room-visitor': { meaning: 'The room is not the old visitor’s.' },
  // Custom fields
  'error-invalid-custom-field-name': {
    reason: 'Invalid custom field name',
    meaning: 'A name is letters, digits, dashes and underscores, and none that programs read as something else.',
  },
  'error-invalid-custom-field': { reason: 'Custom field not found', meaning: 'No custom field has this name.' },
  'error-custom-field-name-already-exists': {
    reason: 'Custom field name already exists',
    meaning: 'A custom field of this name is defined already.',
  },
  'error-invalid-custom-field-value': {
    reason: 'Invalid value for a custom field',
    meaning: 'A value does not match the pattern of its field, or is missing where one is required.',
  },
  'invalid-custom-field': { meaning: 'No custom field has this name.' },
  'custom-field-not-written': { meaning: 'The field belongs to rooms, and the visitor has no open one.' },
  'error-setting-custom-field': { meaning: 'One of the fields cannot be set; none was.' },

  // Contacts
  'error-contact-channel-blocked': { meaning: 'The visitor, or the address, is blocked.' },
  'error-address-unknown': {
    reason: 'Nothing is known of the address of this visitor',
    meaning: 'The address cannot be blocked: the server never kept it.',
  },
  'error-contact-manager-not-found': { reason: 'Contact manager not found', meaning: 'No user has this name.' },
  'error-invalid-contact-manager': {
    reason: 'The contact manager is not an agent',
    meaning: 'The user takes no chats.',
  },
  'error-invalid-params-custom': {
    reason: 'The "custom" query parameter must be a JSON object',
    meaning: 'The custom fields to look for are no JSON object of texts.',
  },
  'error-invalid-params': { reason: 'Nothing to look for was given', meaning: 'The search names no criterion.' },
  'error-livechat-visitor-registration': { meaning: 'The visitor could not be registered.' },
  // Streams
  'invalid-method-call': {
    reason: 'Invalid method call',
    meaning: 'The message is not the EJSON text of a method call with its four keys.',
  },
} as const satisfies Record<string, ErrorInfo>

export type ErrorCode = keyof typeof table

export const errors: Readonly<Record<ErrorCode, ErrorInfo>> = table
