// libopendkim, as far as signing needs it: a library handle per profile, a pass per signature.
//
// The lists of fields and the life of signatures are options of a library handle, not of a message;
// neither a handle nor a pass may be shared between threads. Known defects of 2.11.0~beta2 that are
// met here: it forgets memory (arena) and its reference to an Ed25519 key, and after a failed call
// its own clean-up frees twice.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "keys/signing_domain.hpp"
#include "relay/base/result.hpp"
#include "relay/sign/arena.hpp"

struct dkim;
struct dkim_lib;

namespace signet::sign {

struct CloseLibrary {
  void operator()(dkim_lib* library) const;
};
struct FreePass {
  void operator()(dkim* pass) const;
};

class Library {
 public:
  /// Fault: local_error.
  [[nodiscard]] static Result<Library> open(keys::Profile profile);

  [[nodiscard]] dkim_lib* handle() const { return handle_.get(); }
  /// True if dkim_free() drops the reference to an Ed25519 key: false up to 2.11.0~beta2.
  [[nodiscard]] bool frees_ed25519() const { return frees_ed25519_; }

 private:
  using Handle = std::unique_ptr<dkim_lib, CloseLibrary>;
  explicit Library(Handle handle) : handle_(std::move(handle)) {}
  [[nodiscard]] Result<void> probe();

  Handle handle_;
  bool frees_ed25519_ = true;
};

/// One signature in the making. Library, domain and key outlive it.
class Pass {
 public:
  Pass(const Library& library, const Domain& domain, const keys::SigningKey& key)
      : library_(library), domain_(domain), key_(key) {}
  ~Pass();
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  /// Order: begin, field()*, end_header, body()*, finish. `now`: t=. Faults of all: local_error,
  /// header_malformed.
  [[nodiscard]] Result<void> begin();
  /// Every field given is signed. `text` without the final CRLF.
  [[nodiscard]] Result<void> field(std::string_view text);
  [[nodiscard]] Result<void> end_header(std::int64_t now);
  [[nodiscard]] Result<void> body(std::string_view slice);
  /// The field with its CRLF; x= is `now` and `life`. Fault: key_unavailable (libopendkim did not
  /// ask for the loaded key).
  [[nodiscard]] Result<std::string> finish(std::int64_t now, std::int64_t life);

 private:
  [[nodiscard]] Failure refuse(std::string_view call, int status);

  const Library& library_;
  const Domain& domain_;
  const keys::SigningKey& key_;
  Arena arena_;  // Outlives what is allocated in it.
  std::unique_ptr<dkim, FreePass> dkim_;
  unsigned references_ = 0;  // To the key: those libopendkim holds.
};

}  // namespace signet::sign
