#include "relay/accept/data_phase.hpp"

#include <utility>

namespace signet::accept {
namespace {

// A long line does not put the end of the data in doubt, so the decoder lets it pass and we refuse.
smtp::DataDecoder::Options decoding(smtp::DataDecoder::Options framing, bool by_size) {
  framing.allow_long_lines = true;
  framing.by_size = by_size;
  return framing;
}

}  // namespace

DataPhase::DataPhase(std::unique_ptr<Intake> intake, const config::Limits& limits, Framing framing)
    : limits_(limits),
      intake_(std::move(intake)),
      framing_(intake_->framing()),
      by_size_(framing == Framing::by_size),
      decoder_(decoding(framing_, by_size_)),
      split_(limits.header_bytes) {}

net::Task<DataPhase::Progress> DataPhase::feed(std::string_view input) {
  if (by_size_ && refusal_) {
    size_ += input.size();
    co_return Progress{.consumed = input.size()};
  }
  decoded_.clear();
  const auto step = decoder_.decode(input, decoded_);
  if (!step) {
    refuse(step.error().fault, step.error().detail);
    co_return Progress{.consumed = input.size(), .broken = !by_size_};
  }
  auto taking = take_decoded();
  co_await std::move(taking);
  if (by_size_) co_return Progress{.consumed = input.size()};
  const bool is_too_much = size_ / kPatience > limits_.message_bytes;
  co_return Progress{
      .consumed = step->consumed, .ended = step->ended, .broken = is_too_much && !step->ended};
}

net::Task<void> DataPhase::take_decoded() {
  size_ += decoded_.size();
  if (size_ > limits_.message_bytes) refuse(Fault::message_too_big, std::to_string(size_));
  if (decoder_.saw_long_line() && !framing_.allow_long_lines) refuse(Fault::line_over_998, {});
  if (refusal_) co_return;
  auto handing = hand_over();
  co_await std::move(handing);
}

net::Task<void> DataPhase::hand_over() {
  std::string_view body = split_.feed(decoded_);
  if (split_.is_too_big()) refuse(Fault::header_too_big, {});
  if (split_.is_complete() && !header_given_) {
    auto giving = give_header();
    co_await std::move(giving);
  }
  while (!body.empty() && !refusal_) {
    auto taking = intake_->body(body.substr(0, kMaxSlice));
    const auto taken = co_await std::move(taking);
    note(taken);
    body.remove_prefix(std::min(body.size(), kMaxSlice));
  }
}

net::Task<void> DataPhase::give_header() {
  header_given_ = true;
  auto taking = intake_->header(split_.take_block());
  const auto taken = co_await std::move(taking);
  note(taken);
}

net::Task<Result<QueueId>> DataPhase::finish() {
  if (by_size_ && !refusal_) {
    decoded_.clear();
    const auto ended = decoder_.finish(decoded_);
    if (!ended) refuse(ended.error().fault, ended.error().detail);
    auto taking = take_decoded();
    co_await std::move(taking);
  }
  if (!refusal_ && !header_given_) {
    auto giving = give_header();
    co_await std::move(giving);
  }
  if (refusal_) co_return fail(*refusal_);
  auto ending = intake_->end(decoder_);
  auto stored = co_await std::move(ending);
  if (!stored) refusal_ = stored.error();
  co_return stored;
}

void DataPhase::refuse(Fault fault, std::string detail) {
  if (refusal_) return;
  note(fail(fault, std::move(detail)));
  refused_here_ = true;
}

void DataPhase::note(const Result<void>& answer) {
  if (answer) return;
  refusal_ = answer.error();
  intake_.reset();
}

}  // namespace signet::accept
