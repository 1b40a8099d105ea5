#include "monitoring/audit/survey.hpp"

#include <algorithm>

#include "relay/align/spf_macro.hpp"
#include "relay/align/tree_walk.hpp"

namespace signet::audit {
namespace {

using net::RecordType;

constexpr std::size_t kMaxNames = 10;            // Of one address, in the reverse DNS.
constexpr std::size_t kMaxDestinations = 20;     // Of reports.
constexpr std::chrono::minutes kSpfDeadline{5};  // Questions wait for their turn.
constexpr std::chrono::seconds kPoll{10};

std::string words_of(const Error& error) { return std::string(row(error.fault).text); }

/// The host of "mailto:local@host"; empty for another scheme.
std::string host_of(std::string_view uri) {
  constexpr std::string_view kMailto = "mailto:";
  std::string lower(uri.substr(0, kMailto.size()));
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (lower != kMailto) return {};
  const std::string_view rest = uri.substr(0, uri.find('?'));
  return std::string(rest.substr(rest.rfind('@') + 1));
}

/// One survey: its parts run side by side, each fills its own facts.
class Survey {
 public:
  Survey(net::Resolver& resolver, net::Loop& loop, const Clock& clock, Pace* pace, Subject subject)
      : inquiry_(resolver, clock, pace),
        loop_(loop),
        facts_{.subject = std::move(subject)},
        ended_(loop) {}

  net::Task<Facts> run() {
    for (const align::EgressPoint& point : facts_.subject.ways.points)
      facts_.addresses.push_back({.point = point});
    facts_.key_texts.resize(facts_.subject.keys.size());
    start(ask_spf());
    for (AddressFacts& address : facts_.addresses) start(ask_address(address));
    for (std::size_t i = 0; i < facts_.subject.keys.size(); ++i) {
      const std::string name = facts_.subject.keys[i].selector + "._domainkey.";
      start(ask(name + facts_.subject.signing_domain.text(), facts_.key_texts[i]));
    }
    start(ask_dmarc());
    start(ask_mail_hosts());
    start(ask("_smtp._tls." + domain(), facts_.tls_rpt));
    start(ask("_mta-sts." + domain(), facts_.mta_sts));
    start(ask("default._bimi." + domain(), facts_.bimi));
    while (running_ > 0) (void)co_await ended_.wait(kPoll);
    co_return std::move(facts_);
  }

 private:
  [[nodiscard]] const std::string& domain() const { return facts_.subject.domain.text(); }

  void start(net::Task<void> part) {
    ++running_;
    scope_.spawn(count(std::move(part)));
  }
  net::Task<void> count(net::Task<void> part) {
    co_await std::move(part);
    --running_;
    ended_.notify_all();
  }

  net::Task<void> ask(std::string name, align::Texts& into) {
    into = co_await align::ask_texts(inquiry_, loop_, std::move(name));
  }

  [[nodiscard]] net::Task<align::SpfResult> check_host(align::EgressPoint point) {
    align::SpfQuestion question{.address = point.address,
                                .sender_local = "postmaster",
                                .sender_domain = domain(),
                                .helo = point.helo.empty() ? domain() : point.helo};
    return align::check_host(inquiry_, loop_, std::move(question), {.deadline = kSpfDeadline});
  }

  net::Task<void> ask_spf() {
    facts_.spf_texts = co_await align::ask_texts(inquiry_, loop_, domain());
    // 0.0.0.0 sends no mail: nothing but +all ends the evaluation before the record does.
    if (!facts_.addresses.empty())
      facts_.whole_spf = co_await check_host({.address = IpAddress(), .helo = domain()});
  }

  net::Task<void> ask_address(AddressFacts& address) {
    address.spf = co_await check_host(address.point);
    if (address.point.helo.empty() || address.point.address.is_private()) co_return;
    address.is_checked = true;
    co_await ask_pointers(address);
    auto helo = co_await addresses_of(address.point.helo, address.point.address.is_v6());
    if (helo) address.helo_addresses = std::move(*helo);
    if (!helo) address.helo_error = words_of(helo.error());
  }

  net::Task<void> ask_pointers(AddressFacts& address) {
    const auto answer = co_await inquiry_.resolve(loop_, align::reverse_name(address.point.address),
                                                  RecordType::ptr);
    if (!answer) address.names_error = words_of(answer.error());
    if (!answer) co_return;
    for (const std::string& rdata : answer->records) {
      auto name = net::decode_name(rdata);
      if (!name || address.names.size() == kMaxNames) continue;
      const auto found = co_await addresses_of(*name, address.point.address.is_v6());
      if (!found) address.names_error = words_of(found.error());
      const bool leads_back =
          found && std::ranges::find(*found, address.point.address) != found->end();
      address.names.push_back({std::move(*name), leads_back});
    }
  }

  net::Task<Result<std::vector<IpAddress>>> addresses_of(std::string name, bool v6) {
    const auto answer =
        co_await inquiry_.resolve(loop_, std::move(name), v6 ? RecordType::aaaa : RecordType::a);
    if (!answer && answer.error().fault != Fault::bad_parameter) co_return answer.failure();
    std::vector<IpAddress> addresses;
    if (!answer) co_return addresses;
    for (const std::string& rdata : answer->records)
      if (const auto address = net::decode_address(rdata)) addresses.push_back(*address);
    co_return addresses;
  }

  net::Task<void> ask_dmarc() {
    const align::Walk walked = co_await align::walk(inquiry_, loop_, facts_.subject.domain);
    facts_.policy_error = walked.error;
    std::optional<bool> exists;
    if (align::needs_existence(walked)) {
      const auto answer = co_await inquiry_.resolve(loop_, domain(), RecordType::txt);
      if (answer) exists = answer->exists;
      if (!answer) facts_.policy_error = words_of(answer.error());
    }
    facts_.policy = align::applied_policy(walked, exists);
    facts_.own_dmarc_texts = co_await align::ask_texts(inquiry_, loop_, "_dmarc." + domain());
    if (facts_.policy.discovery != align::Discovery::found) co_return;
    facts_.dmarc_texts =
        co_await align::ask_texts(inquiry_, loop_, "_dmarc." + facts_.policy.domain);
    const auto record = align::select_dmarc_record(facts_.dmarc_texts.texts);
    if (!record) co_return;
    for (const std::string& uri : record->rua) co_await ask_destination("rua", uri);
    for (const std::string& uri : record->ruf) co_await ask_destination("ruf", uri);
  }

  /// RFC 9990 4: whether another organization takes the reports.
  net::Task<void> ask_destination(std::string tag, std::string uri) {
    if (facts_.destinations.size() == kMaxDestinations) co_return;
    Destination to{.tag = std::move(tag), .uri = std::move(uri)};
    const auto host = Domain::parse(host_of(to.uri));
    const auto from = Domain::parse(facts_.policy.domain);
    if (host && from) {
      to.host = host->text();
      const auto theirs = co_await organization_of(*host, to);
      const auto ours = co_await organization_of(*from, to);
      to.is_external = theirs != ours || !to.error.empty();
    }
    if (to.is_external) to.name = from->text() + "._report._dmarc." + to.host;
    if (to.is_external && to.error.empty()) {
      auto found = co_await align::ask_texts(inquiry_, loop_, to.name);
      to.texts = std::move(found.texts);
      to.error = std::move(found.error);
    }
    facts_.destinations.push_back(std::move(to));
  }

  net::Task<std::optional<std::string>> organization_of(Domain of, Destination& to) {
    const align::Walk walked = co_await align::walk(inquiry_, loop_, std::move(of));
    if (walked.failed()) to.error = walked.error;
    co_return align::organizational_domain(walked);
  }

  net::Task<void> ask_mail_hosts() {
    const auto answer = co_await inquiry_.resolve(loop_, domain(), RecordType::mx);
    if (!answer) facts_.mail_hosts.error = words_of(answer.error());
    if (!answer) co_return;
    for (const std::string& rdata : answer->records)
      if (auto record = net::decode_mx(rdata))
        facts_.mail_hosts.records.push_back(std::move(*record));
    if (!facts_.mail_hosts.records.empty()) co_return;
    for (const bool v6 : {false, true}) {
      const auto addresses = co_await addresses_of(domain(), v6);
      if (!addresses) facts_.mail_hosts.error = words_of(addresses.error());
      if (addresses) facts_.mail_hosts.has_address |= !addresses->empty();
    }
  }

  Inquiry inquiry_;
  net::Loop& loop_;
  Facts facts_;
  std::size_t running_ = 0;
  net::Event ended_;
  net::TaskScope scope_;  // Last: tasks die before what they refer to.
};

}  // namespace

net::Task<Facts> survey(net::Resolver& resolver, net::Loop& loop, const Clock& clock, Pace* pace,
                        Subject subject) {
  Survey made(resolver, loop, clock, pace, std::move(subject));
  Facts facts = co_await made.run();
  co_return facts;
}

}  // namespace signet::audit
