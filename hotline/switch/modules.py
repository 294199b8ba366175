"""Which of Asterisk's modules are loaded: what dialplan and phones need, in groups, and nothing else."""

from __future__ import annotations

from collections.abc import Collection

_GROUPS: dict[str, tuple[str, ...]] = {
    "configuration": (
        "pbx_config",
        "res_sorcery_config",
        "res_sorcery_memory",
        "res_sorcery_astdb",
        "res_pjproject",
    ),
    "timing and media": (
        "res_timing_timerfd",
        "res_rtp_asterisk",
        "res_srtp",
        "res_crypto",
        "bridge_simple",
        "bridge_native_rtp",
        "bridge_softmix",
        "bridge_holding",
        "bridge_builtin_features",
        "codec_alaw",
        "codec_ulaw",
        "codec_a_mu",
        "codec_g722",
        "codec_resample",
        "format_pcm",
        "format_wav",
        "format_sln",
        "res_musiconhold",
    ),
    "SIP": (
        "res_pjsip",
        "res_pjsip_session",
        "res_pjsip_pubsub",
        "res_pjsip_sdp_rtp",
        "res_pjsip_authenticator_digest",
        "res_pjsip_outbound_authenticator_digest",
        "res_pjsip_outbound_registration",
        "res_pjsip_endpoint_identifier_ip",
        "res_pjsip_endpoint_identifier_user",
        "res_pjsip_registrar",
        "res_pjsip_nat",
        "res_pjsip_caller_id",
        "res_pjsip_header_funcs",
        "res_pjsip_dtmf_info",
        "res_pjsip_empty_info",
        "res_pjsip_dlg_options",
        "res_pjsip_rfc3326",
        "res_pjsip_path",
        "res_pjsip_refer",
        "res_pjsip_logger",
        "chan_pjsip",
    ),
    "the dialplan's applications": (
        "app_dial",
        "app_playback",
        "app_stack",
        "app_queue",
        "app_read",
        "app_userevent",
        "app_verbose",
        "app_exec",
        "app_confbridge",
        "app_bridgewait",
        "app_mixmonitor",
        "app_chanspy",
        "app_audiosocket",
        "res_audiosocket",
        "app_originate",
        "res_agi",
        "res_speech",
        "res_stasis",
    ),
    "the dialplan's functions": (
        "func_base64",
        "func_callerid",
        "func_channel",
        "func_cut",
        "func_dialplan",
        "func_env",
        "func_global",
        "func_groupcount",
        "func_hangupcause",
        "func_logic",
        "func_periodic_hook",
        "func_pjsip_contact",
        "func_pjsip_endpoint",
        "func_strings",
        "func_timeout",
        "func_uri",
    ),
}


def render_modules(present: Collection[str]) -> str:
    """The text of modules.conf. Modules that this Asterisk does not have (other versions do) are left out."""
    lines = ["; modules.conf, written by the program: only what is needed.", "[modules]", "autoload = no"]
    for title, modules in _GROUPS.items():
        lines += ["", f"; {title}"]
        lines += [
            f"load = {name}.so" if name in present else f"; not in this Asterisk: {name}" for name in modules
        ]
    return "\n".join(lines) + "\n"
