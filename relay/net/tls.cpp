#include "relay/net/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

#include "relay/base/ip_address.hpp"
#include "relay/net/tls_impl.hpp"

namespace signet::net {
namespace {

struct NamesFree {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using UniqueNames = std::unique_ptr<GENERAL_NAMES, NamesFree>;

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

UniqueSslContext make_context(const SSL_METHOD* method) {
  UniqueSslContext context(SSL_CTX_new(method));
  if (!context) return context;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Tickets carry resumption; a cache of our own would only cost memory.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // One system call for a record and what follows it, not two for each record.
  SSL_CTX_set_read_ahead(context.get(), 1);
  // An encrypted key is an error, not a question on the terminal.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return -1; });
  return context;
}

Failure refuse(const std::string& what) {
  return fail(Fault::configuration, what + ": " + take_tls_errors());
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const UniqueNames alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* text = ASN1_STRING_get0_data(name->d.dNSName);
    const auto length = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
    names.push_back(lower({reinterpret_cast<const char*>(text), length}));
  }
  return names;
}

int choose_certificate(SSL* ssl, int*, void* argument) {
  const auto* impl = static_cast<const ServerTls::Impl*>(argument);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  auto* context = name == nullptr ? nullptr : impl->find(name);
  if (context == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

int accept_any_certificate(int, X509_STORE_CTX*) { return 1; }

Result<void> ask_for_client_certificate(SSL_CTX* context, const std::filesystem::path& client_ca) {
  static constexpr unsigned char kContextId[] = "signet";
  SSL_CTX_set_session_id_context(context, kContextId, sizeof kContextId - 1);
  if (client_ca.empty()) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any_certificate);
    return {};
  }
  auto* subjects = SSL_load_client_CA_file(client_ca.c_str());
  if (subjects == nullptr || SSL_CTX_load_verify_file(context, client_ca.c_str()) != 1) {
    sk_X509_NAME_pop_free(subjects, X509_NAME_free);
    return refuse("client_ca " + client_ca.string());
  }
  SSL_CTX_set_client_CA_list(context, subjects);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return {};
}

Result<UniqueSslContext> load_server(const CertificateFiles& files,
                                     const std::filesystem::path& client_ca) {
  auto context = make_context(TLS_server_method());
  if (!context) return refuse("TLS");
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    return refuse("certificate " + files.certificate.string());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return refuse("key " + files.key.string());
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return refuse("key " + files.key.string() + " is not that of " + files.certificate.string());
  }
  auto asked = ask_for_client_certificate(context.get(), client_ca);
  if (!asked) return asked.failure();
  return context;
}

}  // namespace

std::vector<std::string> subject_names(X509* certificate) {
  auto names = names_of(certificate);
  if (!names.empty()) return names;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return names;
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size > 0) {
    names.push_back(lower({reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)}));
  }
  OPENSSL_free(text);
  return names;
}

std::string take_tls_errors() {
  std::string text;
  while (const auto code = ERR_get_error()) {
    // Files that can't be read come as errno and as a second, wordless error after it.
    const bool is_of_system = ERR_SYSTEM_ERROR(code);
    const char* reason =
        is_of_system ? std::strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    if (reason != nullptr && !is_of_system && ERR_GET_REASON(code) == ERR_R_SYS_LIB &&
        !text.empty()) {
      continue;
    }
    if (!text.empty()) text += "; ";
    text += reason != nullptr ? reason : "error " + std::to_string(code);
  }
  return text.empty() ? "unknown error" : text;
}

SSL_CTX* ServerTls::Impl::find(std::string_view name) const {
  const auto wanted = lower(name);
  if (const auto exact = by_name.find(wanted); exact != by_name.end()) return exact->second;
  const auto dot = wanted.find('.');
  if (dot == std::string::npos || dot == 0) return nullptr;
  const auto wildcard = by_name.find("*" + wanted.substr(dot));
  return wildcard == by_name.end() ? nullptr : wildcard->second;
}

Result<std::shared_ptr<const ServerTls>> ServerTls::load(const std::vector<CertificateFiles>& files,
                                                         const std::filesystem::path& client_ca) {
  if (files.empty()) return fail(Fault::configuration, "no certificate");
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  for (const auto& pair : files) {
    auto context = load_server(pair, client_ca);
    if (!context) return context.failure();
    for (auto& name : names_of(SSL_CTX_get0_certificate(context->get()))) {
      impl->by_name.try_emplace(std::move(name), context->get());
    }
    impl->contexts.push_back(std::move(*context));
  }
  auto* first = impl->contexts.front().get();
  SSL_CTX_set_tlsext_servername_callback(first, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(first, impl.get());
  return std::shared_ptr<const ServerTls>(std::make_shared<ServerTls>(std::move(impl)));
}

std::int64_t ServerTls::first_expiry() const {
  std::int64_t first = INT64_MAX;
  for (const auto& context : impl_->contexts) {
    std::tm time{};
    const auto* certificate = SSL_CTX_get0_certificate(context.get());
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1)
      first = std::min<std::int64_t>(first, timegm(&time));
  }
  return first;
}

ServerTls::ServerTls(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerTls::~ServerTls() = default;

Result<std::shared_ptr<const ClientTls>> ClientTls::load(const std::filesystem::path& ca) {
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  impl->context = make_context(TLS_client_method());
  if (!impl->context) return refuse("TLS");
  auto* context = impl->context.get();
  const int loaded = ca.empty() ? SSL_CTX_set_default_verify_paths(context)
                                : SSL_CTX_load_verify_file(context, ca.c_str());
  if (loaded != 1) return refuse("CA certificates " + ca.string());
  return std::shared_ptr<const ClientTls>(std::make_shared<ClientTls>(std::move(impl)));
}

bool set_expected_name(SSL* ssl, std::string_view server_name) {
  if (server_name.ends_with('.')) server_name.remove_suffix(1);
  if (server_name.empty()) return false;
  const std::string name(server_name);
  if (IpAddress::parse(name)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 && SSL_set1_host(ssl, name.c_str()) == 1;
}

ClientTls::ClientTls(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientTls::~ClientTls() = default;

}  // namespace signet::net
