// Every setting an administrator can change at run time: its wire id, its type, what it is until somebody changes it.

export type SettingType =
  'boolean' | 'string' | 'int' | 'select' | 'color' | 'multiSelect' | 'password' | 'asset' | 'timezone'

/** A picture that an administrator may replace: `url` is his, `defaultUrl` ours. */
export interface Asset {
  url?: string
  defaultUrl?: string
}

export type SettingValue = boolean | string | number | readonly string[] | Asset

export interface SettingDefinition {
  type: SettingType
  default: SettingValue
  /** Told to everybody by `settings.public`, without login. */
  public: boolean
  group: string
  section?: string
  /** What a console offers for a select; the server stores any other value too (contract §E.3). */
  values?: readonly string[]
  /** Kept here but shown to nobody and not written through the API: our own counters. */
  hidden?: true
  /** A password, token or key: never in logs. */
  secret?: true
}

const livechat = { group: 'Omnichannel', section: 'Livechat' } as const
const agentFrame = { group: 'Omnichannel', section: 'External_Frame' } as const
const routing = { group: 'Omnichannel', section: 'Routing' } as const
const queue = { group: 'Omnichannel', section: 'Queue_Management' } as const
const chats = { group: 'Omnichannel', section: 'Sessions' } as const
const hours = { group: 'Omnichannel', section: 'Business_Hours' } as const
const crm = { group: 'Omnichannel', section: 'CRM_Integration' } as const
const sms = { group: 'SMS' } as const
const twilio = { group: 'SMS', section: 'Twilio' } as const
const voxtelesys = { group: 'SMS', section: 'Voxtelesys' } as const
const mobex = { group: 'SMS', section: 'Mobex' } as const
const general = { group: 'General' } as const
const api = { group: 'General', section: 'REST_API' } as const
const reporting = { group: 'General', section: 'Timezone' } as const
const mail = { group: 'Email' } as const
const smtp = { group: 'Email', section: 'SMTP' } as const
const accounts = { group: 'Accounts' } as const
const preferences = { group: 'Accounts', section: 'Accounts_Default_User_Preferences' } as const
const fileUpload = { group: 'FileUpload' } as const
const messages = { group: 'Message' } as const

const smsMediaTypes = 'image/*,audio/*,video/*,text/*,application/pdf'

// Both are matched without regard to case. Every repetition has an upper bound, so no message can make them slow.
const leadEmail = String.raw`\b[A-Z0-9._%+-]{1,64}@(?:[A-Z0-9-]{1,63}\.){1,8}[A-Z]{2,4}\b`
const leadPhone = String.raw`(?<!\d)(?:\(\d{2}\)|\d{2})?[ -]{0,2}\d{4,5}[ -]{0,2}\d{4}(?!\d)`

/** Every setting of contract §F, and the few that are ours alone. Times are in the unit the comment names. */
export const settings = {
  // The widget (§F.1)
  Livechat_enabled: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_title: { type: 'string', default: 'Rocket.Chat', public: true, ...livechat },
  Livechat_title_color: { type: 'color', default: '#C1272D', public: true, ...livechat },
  Livechat_enable_message_character_limit: { type: 'boolean', default: false, public: true, ...livechat },
  Livechat_message_character_limit: { type: 'int', default: 0, public: true, ...livechat },
  Livechat_display_offline_form: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_validate_offline_email: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_offline_form_unavailable: { type: 'string', default: '', public: true, ...livechat },
  Livechat_offline_title: { type: 'string', default: 'Leave a message', public: true, ...livechat },
  Livechat_offline_title_color: { type: 'color', default: '#666666', public: true, ...livechat },
  Livechat_offline_message: { type: 'string', default: '', public: true, ...livechat },
  Livechat_offline_success_message: { type: 'string', default: '', public: true, ...livechat },
  Livechat_offline_email: { type: 'string', default: '', public: false, ...livechat },
  Livechat_OfflineMessageToChannel_enabled: { type: 'boolean', default: false, public: true, ...livechat },
  Livechat_OfflineMessageToChannel_channel_name: { type: 'string', default: '', public: true, ...livechat },
  Livechat_allow_switching_departments: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_show_agent_info: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_show_agent_email: { type: 'boolean', default: true, public: true, ...livechat },
  Omnichannel_allow_visitors_to_close_conversation: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_request_comment_when_closing_conversation: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_conversation_finished_message: { type: 'string', default: '', public: true, ...livechat },
  Livechat_conversation_finished_text: { type: 'string', default: '', public: true, ...livechat },
  Livechat_registration_form: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_name_field_registration_form: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_email_field_registration_form: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_registration_form_message: { type: 'string', default: '', public: true, ...livechat },
  Livechat_clear_local_storage_when_chat_ended: { type: 'boolean', default: false, public: true, ...livechat },
  Livechat_AllowedDomainsList: { type: 'string', default: '', public: true, ...livechat },
  Livechat_force_accept_data_processing_consent: { type: 'boolean', default: false, public: true, ...livechat },
  Livechat_data_processing_consent_text: { type: 'string', default: '', public: true, ...livechat },
  Livechat_Allow_collect_and_store_HTTP_header_informations: {
    type: 'boolean',
    default: false,
    public: true,
    ...livechat,
  },
  Livechat_history_monitor_type: {
    type: 'select',
    default: 'url',
    public: false,
    values: ['url', 'title'],
    ...livechat,
  },
  Livechat_Visitor_navigation_as_a_message: { type: 'boolean', default: false, public: true, ...livechat },
  Livechat_continuous_sound_notification_new_livechat_room: {
    type: 'boolean',
    default: false,
    public: true,
    ...livechat,
  },
  Livechat_fileupload_enabled: { type: 'boolean', default: true, public: true, ...livechat },
  Livechat_widget_position: { type: 'select', default: 'right', public: true, values: ['left', 'right'], ...livechat },
  Livechat_background: { type: 'string', default: '', public: true, ...livechat },
  Livechat_hide_watermark: { type: 'boolean', default: false, public: false, ...livechat },
  Livechat_hide_system_messages: {
    type: 'multiSelect',
    default: ['uj', 'ul', 'livechat-close'],
    public: true,
    values: ['uj', 'ul', 'livechat-close', 'livechat-started', 'livechat_transfer_history'],
    ...livechat,
  },
  Livechat_AdditionalWidgetScripts: { type: 'string', default: '', public: false, ...livechat },
  Livechat_WidgetLayoutClasses: { type: 'string', default: '', public: false, ...livechat },
  Assets_livechat_widget_logo: { type: 'asset', default: {}, public: true, group: 'Assets' },
  Livechat_guest_count: { type: 'int', default: 1, public: false, hidden: true, ...livechat },
  Livechat_Room_Count: { type: 'int', default: 1, public: false, hidden: true, ...livechat },
  Omnichannel_enable_department_removal: { type: 'boolean', default: false, public: true, ...livechat },
  Omnichannel_call_provider: {
    type: 'select',
    default: 'none',
    public: true,
    values: ['none', 'default-provider'],
    ...livechat,
  },
  Omnichannel_External_Frame_Enabled: { type: 'boolean', default: false, public: true, ...agentFrame },
  Omnichannel_External_Frame_URL: { type: 'string', default: '', public: true, ...agentFrame },
  Omnichannel_External_Frame_Encryption_JWK: { type: 'string', default: '', public: true, ...agentFrame },
  Canned_Responses_Enable: { type: 'boolean', default: true, public: true, group: 'Omnichannel', section: 'Canned' },

  // Who a visitor is: ours (§H.3). `compatible` also matches by phone and e-mail, which lets a stranger take over a chat.
  Livechat_visitor_matching: {
    type: 'select',
    default: 'token',
    public: false,
    values: ['token', 'compatible'],
    ...livechat,
  },
  Livechat_minimum_token_length: { type: 'int', default: 0, public: false, ...livechat },

  // Transcripts (§F.2)
  Livechat_enable_transcript: { type: 'boolean', default: false, public: true, ...livechat },
  Livechat_transcript_send_always: { type: 'boolean', default: false, public: true, ...livechat },
  Livechat_transcript_show_system_messages: { type: 'boolean', default: false, public: true, ...livechat },
  Livechat_transcript_message: { type: 'string', default: '', public: true, ...livechat },
  Livechat_transcript_email_subject: { type: 'string', default: '', public: true, ...livechat },
  // Ours (promises A17): visitors may have a transcript mailed to anybody, not only to the address they registered with.
  Livechat_transcript_any_address: { type: 'boolean', default: false, public: false, ...livechat },
  Accounts_Default_User_Preferences_omnichannelTranscriptEmail: {
    type: 'boolean',
    default: false,
    public: true,
    ...preferences,
  },
  Accounts_Default_User_Preferences_omnichannelTranscriptPDF: {
    type: 'boolean',
    default: false,
    public: true,
    ...preferences,
  },

  // Routing, queue, agents (§F.3)
  Livechat_Routing_Method: {
    type: 'select',
    default: 'Auto_Selection',
    public: true,
    values: ['Auto_Selection', 'Manual_Selection', 'External', 'Load_Balancing', 'Load_Rotation'],
    ...routing,
  },
  Livechat_accept_chats_with_no_agents: { type: 'boolean', default: false, public: false, ...routing },
  Livechat_assign_new_conversation_to_bot: { type: 'boolean', default: false, public: false, ...routing },
  Livechat_enabled_when_agent_idle: { type: 'boolean', default: true, public: true, ...routing },
  Livechat_guest_pool_max_number_incoming_livechats_displayed: { type: 'int', default: 0, public: true, ...queue },
  Livechat_show_queue_list_link: { type: 'boolean', default: false, public: true, ...queue },
  Livechat_External_Queue_URL: { type: 'string', default: '', public: false, ...routing },
  Livechat_External_Queue_Token: { type: 'string', default: '', public: false, secret: true, ...routing },
  Omnichannel_queue_delay_timeout: { type: 'int', default: 5, public: false, ...queue }, // seconds
  Livechat_agent_leave_action: {
    type: 'select',
    default: 'none',
    public: false,
    values: ['none', 'forward', 'close'],
    ...chats,
  },
  Livechat_agent_leave_action_timeout: { type: 'int', default: 60, public: false, ...chats }, // seconds
  Livechat_agent_leave_comment: { type: 'string', default: '', public: false, ...chats },
  Livechat_visitor_inactivity_timeout: { type: 'int', default: 3600, public: false, ...chats }, // seconds; 0 is allowed
  Livechat_abandoned_rooms_action: {
    type: 'select',
    default: 'none',
    public: true,
    values: ['none', 'close', 'on-hold'],
    ...chats,
  },
  Livechat_abandoned_rooms_closed_custom_message: { type: 'string', default: '', public: false, ...chats },
  Livechat_waiting_queue: { type: 'boolean', default: false, public: false, ...queue },
  Livechat_waiting_queue_message: { type: 'string', default: '', public: false, ...queue },
  Livechat_maximum_chats_per_agent: { type: 'int', default: 0, public: false, ...queue }, // 0: no limit
  Omnichannel_calculate_dispatch_service_queue_statistics: { type: 'boolean', default: true, public: false, ...queue },
  Livechat_number_most_recent_chats_estimate_wait_time: { type: 'int', default: 100, public: false, ...queue },
  Livechat_max_queue_wait_time: { type: 'int', default: -1, public: false, ...queue }, // minutes; -1: for ever
  Omnichannel_sorting_mechanism: {
    type: 'select',
    default: 'Timestamp',
    public: true,
    values: ['Timestamp', 'Priority', 'SLAs'],
    ...queue,
  },
  Livechat_last_chatted_agent_routing: { type: 'boolean', default: false, public: false, ...routing },
  Omnichannel_contact_manager_routing: { type: 'boolean', default: true, public: false, ...routing },
  Omnichannel_max_fallback_forward_depth: { type: 'int', default: 3, public: false, ...routing },
  Livechat_auto_transfer_chat_timeout: { type: 'int', default: 0, public: false, ...chats }, // seconds; 0: never
  Livechat_auto_close_on_hold_chats_timeout: { type: 'int', default: 3600, public: false, ...chats }, // seconds
  Livechat_auto_close_on_hold_chats_custom_message: { type: 'string', default: '', public: false, ...chats },
  Livechat_allow_manual_on_hold: { type: 'boolean', default: false, public: true, ...chats },
  Livechat_allow_manual_on_hold_upon_agent_engagement_only: { type: 'boolean', default: true, public: true, ...chats },
  Livechat_enable_business_hours: { type: 'boolean', default: false, public: true, ...hours },
  Livechat_business_hour_type: {
    type: 'select',
    default: 'Single',
    public: true,
    values: ['Single', 'Multiple'],
    ...hours,
  },

  // Webhooks, SMS (§F.4)
  Livechat_webhookUrl: { type: 'string', default: '', public: false, ...crm },
  Livechat_secret_token: { type: 'string', default: '', public: false, secret: true, ...crm },
  Livechat_http_timeout: { type: 'int', default: 5000, public: false, ...crm }, // milliseconds
  Livechat_webhook_on_start: { type: 'boolean', default: false, public: false, ...crm },
  Livechat_webhook_on_close: { type: 'boolean', default: false, public: false, ...crm },
  Livechat_webhook_on_chat_taken: { type: 'boolean', default: false, public: false, ...crm },
  Livechat_webhook_on_chat_queued: { type: 'boolean', default: false, public: false, ...crm },
  Livechat_webhook_on_forward: { type: 'boolean', default: false, public: false, ...crm },
  Livechat_webhook_on_offline_msg: { type: 'boolean', default: false, public: false, ...crm },
  Livechat_webhook_on_visitor_message: { type: 'boolean', default: false, public: false, ...crm },
  Livechat_webhook_on_agent_message: { type: 'boolean', default: false, public: false, ...crm },
  Livechat_webhook_on_capture: { type: 'boolean', default: false, public: false, ...crm },
  Send_visitor_navigation_history_livechat_webhook_request: {
    type: 'boolean',
    default: false,
    public: false,
    ...crm,
  },
  Livechat_lead_email_regex: { type: 'string', default: leadEmail, public: false, ...crm },
  Livechat_lead_phone_regex: { type: 'string', default: leadPhone, public: false, ...crm },
  SMS_Enabled: { type: 'boolean', default: false, public: false, ...sms },
  SMS_Service: {
    type: 'select',
    default: 'twilio',
    public: false,
    values: ['twilio', 'voxtelesys', 'mobex'],
    ...sms,
  },
  SMS_Default_Omnichannel_Department: { type: 'string', default: '', public: false, ...sms },
  SMS_Twilio_Account_SID: { type: 'string', default: '', public: false, ...twilio },
  SMS_Twilio_authToken: { type: 'password', default: '', public: false, secret: true, ...twilio },
  SMS_Twilio_FileUpload_Enabled: { type: 'boolean', default: true, public: false, ...twilio },
  SMS_Twilio_FileUpload_MediaTypeWhiteList: { type: 'string', default: smsMediaTypes, public: false, ...twilio },
  SMS_Voxtelesys_authToken: { type: 'password', default: '', public: false, secret: true, ...voxtelesys },
  SMS_Voxtelesys_URL: { type: 'string', default: '', public: false, ...voxtelesys },
  SMS_Voxtelesys_FileUpload_Enabled: { type: 'boolean', default: true, public: false, ...voxtelesys },
  SMS_Voxtelesys_FileUpload_MediaTypeWhiteList: {
    type: 'string',
    default: smsMediaTypes,
    public: false,
    ...voxtelesys,
  },
  SMS_Mobex_gateway_address: { type: 'string', default: '', public: false, ...mobex },
  SMS_Mobex_restful_address: { type: 'string', default: '', public: false, ...mobex },
  SMS_Mobex_username: { type: 'string', default: '', public: false, ...mobex },
  SMS_Mobex_password: { type: 'password', default: '', public: false, secret: true, ...mobex },
  SMS_Mobex_from_number: { type: 'string', default: '', public: false, ...mobex },
  SMS_Mobex_from_numbers_list: { type: 'string', default: '', public: false, ...mobex },

  // The server (§F.5, §F.6)
  Site_Url: { type: 'string', default: '', public: true, ...general },
  Language: { type: 'string', default: '', public: true, ...general }, // '': English
  UI_Use_Real_Name: { type: 'boolean', default: false, public: true, group: 'Layout' },
  UI_Use_Name_Avatar: { type: 'boolean', default: false, public: true, group: 'Layout' },
  Default_Timezone_For_Reporting: {
    type: 'select',
    default: 'server',
    public: false,
    values: ['server', 'custom', 'user'],
    ...reporting,
  },
  Default_Custom_Timezone: { type: 'timezone', default: '', public: false, ...reporting },
  Unread_Count_Omni: {
    type: 'select',
    default: 'all_messages',
    public: true,
    values: ['all_messages', 'mentions_only'],
    ...general,
  },
  Troubleshoot_Disable_Livechat_Activity_Monitor: {
    type: 'boolean',
    default: false,
    public: false,
    group: 'Troubleshoot',
  },
  WebRTC_Enabled: { type: 'boolean', default: false, public: true, group: 'WebRTC' },

  // The HTTP API (§G.1, §G.4, §G.5)
  API_Default_Count: { type: 'int', default: 50, public: false, ...api },
  API_Upper_Count_Limit: { type: 'int', default: 100, public: false, ...api },
  API_Allow_Infinite_Count: { type: 'boolean', default: true, public: false, ...api }, // `count=0`: upper limit, or default
  API_Enable_CORS: { type: 'boolean', default: true, public: false, ...api },
  API_CORS_Origin: { type: 'string', default: '*', public: false, ...api },
  Realtime_Allowed_Origins: { type: 'string', default: '', public: false, ...api }, // ours: origins, comma-separated, or `*`
  API_Enable_Rate_Limiter: { type: 'boolean', default: true, public: false, ...api },
  API_Enable_Rate_Limiter_Limit_Calls_Default: { type: 'int', default: 10, public: false, ...api },
  API_Enable_Rate_Limiter_Limit_Time_Default: { type: 'int', default: 60_000, public: false, ...api }, // milliseconds

  // Mail
  From_Email: { type: 'string', default: '', public: false, ...mail },
  SMTP_Host: { type: 'string', default: '', public: false, ...smtp },
  SMTP_Port: { type: 'string', default: '', public: false, ...smtp },
  SMTP_Username: { type: 'string', default: '', public: false, secret: true, ...smtp },
  SMTP_Password: { type: 'password', default: '', public: false, secret: true, ...smtp },

  // Accounts
  Accounts_CustomFields: { type: 'string', default: '', public: true, ...accounts },
  Accounts_AllowInvisibleStatusOption: { type: 'boolean', default: true, public: true, ...accounts },
  Accounts_LoginExpiration: { type: 'int', default: 90, public: true, ...accounts }, // days
  Accounts_AvatarBlockUnauthenticatedAccess: { type: 'boolean', default: false, public: true, ...accounts },
  Accounts_AvatarCacheTime: { type: 'int', default: 3600, public: false, ...accounts }, // seconds

  // Files
  FileUpload_Enabled: { type: 'boolean', default: true, public: true, ...fileUpload },
  FileUpload_MaxFileSize: { type: 'int', default: 104_857_600, public: true, ...fileUpload }, // bytes
  FileUpload_MediaTypeWhiteList: { type: 'string', default: '', public: true, ...fileUpload },
  FileUpload_MediaTypeBlackList: { type: 'string', default: 'image/svg+xml', public: true, ...fileUpload },
  FileUpload_ProtectFiles: { type: 'boolean', default: true, public: true, ...fileUpload },
  FileUpload_Restrict_to_room_members: { type: 'boolean', default: true, public: true, ...fileUpload },
  FileUpload_Restrict_to_users_who_can_access_room: { type: 'boolean', default: false, public: true, ...fileUpload },
  FileUpload_Enable_json_web_token_for_files: { type: 'boolean', default: true, public: true, ...fileUpload },
  // Signs the links to files. Made with the first file; nobody sees it.
  FileUpload_json_web_token_secret_for_files: {
    type: 'string',
    default: '',
    public: false,
    hidden: true,
    secret: true,
    ...fileUpload,
  },
  FileUpload_Storage_Type: {
    type: 'select',
    default: 'FileSystem',
    public: true,
    values: ['FileSystem'],
    ...fileUpload,
  },

  // Messages
  Message_AllowEditing: { type: 'boolean', default: true, public: true, ...messages },
  Message_AllowEditing_BlockEditInMinutes: { type: 'int', default: 0, public: true, ...messages }, // 0: never
  Message_AllowDeleting: { type: 'boolean', default: true, public: true, ...messages },
  Message_AllowDeleting_BlockDeleteInMinutes: { type: 'int', default: 0, public: true, ...messages }, // 0: never
  Message_KeepHistory: { type: 'boolean', default: false, public: true, ...messages },
  Message_ShowDeletedStatus: { type: 'boolean', default: false, public: true, ...messages },
  Message_MaxAllowedSize: { type: 'int', default: 5000, public: true, ...messages }, // characters
  Message_Read_Receipt_Enabled: { type: 'boolean', default: false, public: true, ...messages },
  Store_Last_Message: { type: 'boolean', default: true, public: true, ...messages },
  Hide_System_Messages: {
    type: 'multiSelect',
    default: [],
    public: true,
    values: ['uj', 'ul', 'rm', 'livechat-started', 'livechat-close', 'livechat_transfer_history'],
    ...messages,
  },
} as const satisfies Record<string, SettingDefinition>

export type SettingId = keyof typeof settings

type Widened<Value> = Value extends boolean
  ? boolean
  : Value extends string
    ? string
    : Value extends number
      ? number
      : Value extends readonly string[]
        ? readonly string[]
        : Asset

/** The value of every setting, as the rules read it. */
export type Settings = { [Id in SettingId]: Widened<(typeof settings)[Id]['default']> }
