#include "relay/sign/opendkim_library.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "relay/sign/loaded_key.hpp"
#include "relay/sign/signed_fields.hpp"

// The library's header is C99: strict C++ has no _Bool.
#define _Bool bool
#include <opendkim/dkim.h>
#undef _Bool

namespace signet::sign {
namespace {

constexpr std::string_view kFieldName = "DKIM-Signature: ";

// libopendkim takes mutable text everywhere, and changes none of it.
unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
}

DKIM_STAT set_option(DKIM_LIB* library, dkim_opts_t option, std::uint64_t value) {
  return dkim_options(library, DKIM_OP_SETOPT, option, &value, sizeof value);
}

void note_freed(void* /*key*/, void* freed, CRYPTO_EX_DATA* /*data*/, int /*index*/, long /*arg*/,
                void* /*argument*/) {
  if (freed != nullptr) *static_cast<bool*>(freed) = true;
}

}  // namespace

void CloseLibrary::operator()(dkim_lib* library) const { dkim_close(library); }
void FreePass::operator()(dkim* pass) const { dkim_free(pass); }

Result<Library> Library::open(keys::Profile profile) {
  Library library(Handle(dkim_init(Arena::allocate, Arena::release)));
  if (!library.handle_) return fail(Fault::local_error, "dkim_init");
  // No list of fields to sign: only those are handed over. Never a skip list: it overflows.
  const char* const* names = oversigned_names(profile).data();
  const auto status = dkim_options(library.handle(), DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS,
                                   const_cast<char**>(names), sizeof names);
  if (status != DKIM_STAT_OK) return fail(Fault::local_error, "DKIM_OPTS_OVERSIGNHDRS");
  if (const auto done = library.probe(); !done) return done.failure();
  return library;
}

// Signs once with a throw-away key that tells when it is freed.
Result<void> Library::probe() {
  static const int kIndex = EVP_PKEY_get_ex_new_index(0, nullptr, nullptr, nullptr, note_freed);
  const auto domain = Domain::parse("signet.invalid");
  auto key = keys::PrivateKey::generate(keys::Algorithm::ed25519);
  if (!key) return key.failure();
  bool freed = false;
  EVP_PKEY* const handle = key->handle();
  EVP_PKEY_set_ex_data(handle, kIndex, &freed);
  {
    const keys::SigningKey signing_key{"probe", std::move(*key)};
    Pass pass(*this, *domain, signing_key);
    if (const auto done = pass.begin(); !done) return done;
    if (const auto done = pass.field("From: probe@signet.invalid"); !done) return done;
    if (const auto done = pass.end_header(1); !done) return done;
    if (const auto field = pass.finish(1, 1); !field) return field.failure();
  }
  frees_ed25519_ = freed;
  if (freed) return {};
  EVP_PKEY_set_ex_data(handle, kIndex, nullptr);
  EVP_PKEY_free(handle);
  return {};
}

Pass::~Pass() {
  if (!dkim_) return;
  dkim_.reset();
  if (key_.key.algorithm() != keys::Algorithm::ed25519 || library_.frees_ed25519()) return;
  for (; references_ != 0; --references_) EVP_PKEY_free(key_.key.handle());
}

Result<void> Pass::begin() {
  DKIM_STAT status = DKIM_STAT_OK;
  const auto algorithm =
      key_.key.algorithm() == keys::Algorithm::rsa ? DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256;
  dkim_.reset(dkim_sign(library_.handle(), nullptr, &arena_, bytes(kLoadedKeyMarker),
                        bytes(key_.selector), bytes(domain_.text()), DKIM_CANON_RELAXED,
                        DKIM_CANON_RELAXED, algorithm, -1, &status));
  if (!dkim_) return refuse("dkim_sign", status);
  return {};
}

Result<void> Pass::field(std::string_view text) {
  const auto status = dkim_header(dkim_.get(), bytes(text), text.size());
  if (status == DKIM_STAT_SYNTAX) return fail(Fault::header_malformed, "dkim_header");
  if (status != DKIM_STAT_OK) return refuse("dkim_header", status);
  return {};
}

Result<void> Pass::end_header(std::int64_t now) {
  set_option(library_.handle(), DKIM_OPTS_FIXEDTIME, static_cast<std::uint64_t>(now));
  const auto status = dkim_eoh(dkim_.get());
  if (status != DKIM_STAT_OK) return refuse("dkim_eoh", status);
  return {};
}

Result<void> Pass::body(std::string_view slice) {
  if (slice.empty()) return {};
  const auto status = dkim_body(dkim_.get(), bytes(slice), slice.size());
  if (status != DKIM_STAT_OK) return refuse("dkim_body", status);
  return {};
}

Result<std::string> Pass::finish(std::int64_t now, std::int64_t life) {
  set_option(library_.handle(), DKIM_OPTS_FIXEDTIME, static_cast<std::uint64_t>(now));
  set_option(library_.handle(), DKIM_OPTS_SIGNATURETTL, static_cast<std::uint64_t>(life));
  DKIM_STAT status = DKIM_STAT_OK;
  {
    const SigningWith loaded(key_.key.handle());
    status = dkim_eom(dkim_.get(), nullptr);
    references_ = loaded.taken();
  }
  if (status != DKIM_STAT_OK || references_ != 1) {
    auto failure = refuse("dkim_eom", status);
    if (references_ != 1) failure.error.fault = Fault::key_unavailable;
    return failure;
  }
  unsigned char* text = nullptr;
  std::size_t size = 0;
  status = dkim_getsighdr_d(dkim_.get(), kFieldName.size(), &text, &size);
  if (status != DKIM_STAT_OK) return refuse("dkim_getsighdr_d", status);
  std::string field(kFieldName);
  return field.append(reinterpret_cast<const char*>(text), size).append("\r\n");
}

// A pass that failed is left to the arena: its dkim_free() would free keys it no longer holds.
Failure Pass::refuse(std::string_view call, int status) {
  std::string detail(call);
  detail += ": ";
  const char* const reason = dkim_ ? dkim_geterror(dkim_.get()) : nullptr;
  detail += reason != nullptr ? reason : dkim_getresultstr(status);
  ERR_clear_error();
  static_cast<void>(dkim_.release());
  return fail(Fault::local_error, std::move(detail));
}

}  // namespace signet::sign
