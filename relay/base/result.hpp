// Result<T>: a value or an Error, spelled like std::expected so that it can become it.
//
// Ours because the std::expected of libstdc++ 12 may be dropped without a warning. An Error names a
// row of the fault table (fault.hpp), says in `detail` what happened for the log, and may carry a
// `text` that is safe to show to a peer. Nothing here throws.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

#include "relay/base/fault.hpp"

namespace signet {

struct Error {
  Fault fault = Fault::local_error;
  std::string detail;  ///< For the log only: may hold what a peer said. Never sent to a peer.
  std::string text =
      {};  ///< Replaces the table's public text when not empty: printable ASCII, ours.

  /// The words a peer may see.
  [[nodiscard]] std::string public_text() const {
    return text.empty() ? std::string(row(fault).text) : text;
  }
};

/// What a function returns to say "no": `return fail(Fault::syntax_error, "…")`.
struct Failure {
  Error error;
};

[[nodiscard]] inline Failure fail(Fault fault, std::string detail = {}, std::string text = {}) {
  return Failure{Error{fault, std::move(detail), std::move(text)}};
}
[[nodiscard]] inline Failure fail(Error error) { return Failure{std::move(error)}; }

template <typename T = void>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The value; ends the program when there is none (a broken invariant, RFC-independent).
  [[nodiscard]] T& value() & {
    return has_value() ? *std::get_if<0>(&state_) : (std::abort(), *std::get_if<0>(&state_));
  }
  [[nodiscard]] const T& value() const& { return const_cast<Result*>(this)->value(); }
  [[nodiscard]] T&& value() && { return std::move(value()); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(value()); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

  /// The error; ends the program when there is a value.
  [[nodiscard]] const Error& error() const& {
    if (has_value()) std::abort();
    return *std::get_if<1>(&state_);
  }
  /// Hands the error on to a caller with another value type.
  [[nodiscard]] Failure failure() const { return Failure{error()}; }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure) : failed_(true), error_(std::move(failure.error)) {}

  [[nodiscard]] bool has_value() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] const Error& error() const& {
    if (!failed_) std::abort();
    return error_;
  }
  [[nodiscard]] Failure failure() const { return Failure{error()}; }

 private:
  bool failed_ = false;
  Error error_;
};

}  // namespace signet
