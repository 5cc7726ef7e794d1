// What limbs alone cannot tell: limbs that are too long, and parts of one person.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "limbs.hpp"
#include "prior.hpp"

namespace nimblepose::detail {

/// How large a pose each connection speaks for.
inline std::vector<double> measure_limbs(const std::vector<Connection>& connections, const Peaks& peaks,
                                         const Model& model) {
  std::vector<double> sizes;
  for (const auto& one : connections) {
    const auto [a, b] = model.limbs[one.limb];
    const float dx = peaks.x[one.start] - peaks.x[one.end], dy = peaks.y[one.start] - peaks.y[one.end];
    sizes.push_back(std::hypot(double(dx), double(dy)) / model.prior.distances[a][b]);
  }
  return sizes;
}

/// Which limbs are longer than any limb of a pose of that size.
inline std::vector<bool> find_overlong(const std::vector<double>& size, const std::vector<int>& pose) {
  constexpr double too_long = 2.5, far_too_long = 6;  // times the middle size, and that of the lowest quarter
  std::map<int, std::vector<double>> of;
  for (size_t i = 0; i < size.size(); i++) of[pose[i]].push_back(size[i]);
  std::map<int, double> most;
  for (auto& [key, sizes] : of) {
    std::sort(sizes.begin(), sizes.end());
    const size_t last = sizes.size() - 1;
    most[key] = std::min(too_long * sizes[last / 2], far_too_long * sizes[last / 4]);
  }
  std::vector<bool> overlong;
  for (size_t i = 0; i < size.size(); i++) overlong.push_back(size[i] > most[pose[i]]);
  return overlong;
}

/// Middle and diagonal of the box of a pose; NaN of nobody.
struct Part {
  double x = NAN, y = NAN, extent = NAN;
};

inline Part measure_part(const Places& pose) {
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (size_t i = 0; i < pose.size(); i++) {
    if (std::isnan(pose[i])) continue;
    low[i % 2] = std::min<double>(low[i % 2], pose[i]);
    high[i % 2] = std::max<double>(high[i % 2], pose[i]);
  }
  if (low[0] > high[0]) return {};
  return {(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, std::hypot(high[0] - low[0], high[1] - low[1])};
}

using Apart = std::vector<std::vector<bool>>;  // could two be parts of one: nothing is in both, and no limb joins them

/// Pairs that are about where they should be, the lower index first.
inline std::vector<std::pair<int, int>> choose_pairs(const std::vector<Places>& places, const Apart& apart,
                                                     const std::vector<int>& fresh, const Prior& prior) {
  constexpr double off_by = 0.35, near = 1.2, larger_by = 4, least = 1e-3;
  constexpr size_t most_pairs = 12;
  std::vector<Part> parts, usual;
  for (const auto& pose : places) {
    parts.push_back(measure_part(pose));
    Places mean = pose;
    for (size_t i = 0; i < mean.size(); i++)
      if (!std::isnan(mean[i])) mean[i] = float(prior.mean[i / 2][i % 2]);
    usual.push_back(measure_part(mean));
  }
  std::vector<std::pair<double, std::pair<int, int>>> found;
  for (const int i : fresh)
    for (int j = 0; j < int(places.size()); j++) {
      const bool is_fresh = std::find(fresh.begin(), fresh.end(), j) != fresh.end();
      if (!apart[i][j] || (i >= j && is_fresh)) continue;
      const Part &one = parts[i], &other = parts[j];
      const double dx = other.x - one.x, dy = other.y - one.y, reach = one.extent + other.extent;
      if (!(dx * dx + dy * dy < float(near * near) * reach * reach)) continue;
      const double size_one = one.extent / std::max(usual[i].extent, least);
      const double size_other = other.extent / std::max(usual[j].extent, least);
      const double larger = std::max(size_one, size_other), by = std::max(larger, least);
      const double off = std::hypot(dx / by - (usual[j].x - usual[i].x), dy / by - (usual[j].y - usual[i].y));
      if (off < off_by && larger < larger_by * std::min(size_one, size_other))
        found.push_back({off, {std::min(i, j), std::max(i, j)}});
    }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  found.resize(std::min(found.size(), most_pairs));
  std::vector<std::pair<int, int>> pairs;
  for (const auto& one : found) pairs.push_back(one.second);
  return pairs;
}

/// Poses that are parts of one person: of each the index of the first part.
inline std::vector<int> find_parts(const std::vector<Places>& poses, const Model& model) {
  constexpr double one_person = 1;
  const int count = int(poses.size()), keypoints = int(model.keypoints.size());
  std::vector<int> first(count);
  std::iota(first.begin(), first.end(), 0);
  const auto are_apart = [&](const Places& one, const Places& other) {
    for (int a = 0; a < keypoints; a++)
      for (int b = 0; b < keypoints; b++)
        if (model.relations[a][b] && !std::isnan(one[2 * a]) && !std::isnan(other[2 * b])) return false;
    return true;
  };
  std::vector<int> some;
  for (int i = 0; i < count; i++)
    for (int j = 0; j < count; j++)
      if (are_apart(poses[i], poses[j])) {
        some.push_back(i);
        break;
      }
  const size_t left = some.size();
  std::vector<Places> places;
  for (const int i : some) places.push_back(poses[i]);
  Apart apart(left, std::vector<bool>(left));
  for (size_t i = 0; i < left; i++)
    for (size_t j = 0; j < left; j++) apart[i][j] = are_apart(places[i], places[j]);
  std::vector<int> fresh(left);  // poses whose pairs have not been looked at
  std::iota(fresh.begin(), fresh.end(), 0);
  const auto has_any = [&](int i) { return std::find(apart[i].begin(), apart[i].end(), true) != apart[i].end(); };
  while (std::any_of(fresh.begin(), fresh.end(), has_any)) {
    const auto pairs = choose_pairs(places, apart, fresh, model.prior);
    if (pairs.empty()) break;
    std::vector<std::pair<double, std::pair<int, int>>> fits;
    for (const auto& [i, j] : pairs) {
      const double fit = compare(model.prior, places[i], places[j]);
      if (fit > one_person) fits.push_back({fit, {i, j}});
    }
    std::stable_sort(fits.begin(), fits.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::map<int, int> joined;
    std::vector<bool> taken(left, false);
    for (const auto& [fit, pair] : fits) {
      if (taken[pair.first] || taken[pair.second]) continue;
      joined[pair.first] = pair.second;
      taken[pair.first] = taken[pair.second] = true;
    }
    fresh.clear();
    for (const auto& [one, other] : joined) {
      fresh.push_back(one);
      for (auto& part : first)
        if (part == some[other]) part = some[one];
      for (size_t i = 0; i < places[one].size(); i++)
        if (std::isnan(places[one][i])) places[one][i] = places[other][i];
      places[other].assign(places[other].size(), NAN);
    }
    for (const auto& [one, other] : joined)
      for (size_t j = 0; j < left; j++) apart[one][j] = apart[one][j] && apart[other][j];
    const Apart before = apart;
    for (const auto& [one, other] : joined)
      for (size_t i = 0; i < left; i++) apart[i][one] = before[i][one] && before[i][other];
    for (const auto& [one, other] : joined) {
      apart[other].assign(left, false);
      for (auto& row : apart) row[other] = false;
    }
  }
  return first;
}

}  // namespace nimblepose::detail
