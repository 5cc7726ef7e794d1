// Are two parts likelier one pose than two?
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "model.hpp"

namespace nimblepose {

/// x and y of K keypoints, NaN where not found.
using Places = std::vector<float>;

namespace detail {

/// Logarithms of the densities of coordinates, each given those before it, without the constant factor.
template <typename Off>
std::vector<double> measure_densities(const Prior& prior, const std::vector<int>& coordinates, Off off) {
  constexpr double anywhere = 0.5, exact = 5e-4;  // variance of a pose's place, and of found keypoints
  const size_t count = coordinates.size();
  std::vector<std::vector<double>> lower(count);
  std::vector<double> white(count), densities(count);
  for (size_t i = 0; i < count; i++) {
    const int a = coordinates[i];
    auto& row = lower[i];
    row.resize(i + 1);
    for (size_t j = 0; j <= i; j++) {
      const int b = coordinates[j];
      double value = prior.covariance[a][b] + (a % 2 == b % 2 ? anywhere : 0) + (a == b ? exact : 0);
      for (size_t k = 0; k < j; k++) value -= row[k] * lower[j][k];
      row[j] = j < i ? value / lower[j][j] : std::sqrt(value);
    }
    double value = off(a);
    for (size_t k = 0; k < i; k++) value -= row[k] * white[k];
    white[i] = value / row[i];
    densities[i] = -white[i] * white[i] / 2 - std::log(row[i]);
  }
  return densities;
}

}  // namespace detail

/// Logarithm of the ratio of the densities of two parts as one pose and as two; above 0: likelier one.
inline double compare(const Prior& prior, const Places& one, const Places& other) {
  Places both = one;
  double sum[2] = {}, low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  std::vector<int> ours, theirs;
  int count = 0;
  for (size_t i = 0; i < both.size(); i++) {
    if (!std::isnan(one[i])) ours.push_back(int(i));
    if (!std::isnan(other[i])) theirs.push_back(int(i));
    if (std::isnan(both[i])) both[i] = other[i];
    if (std::isnan(both[i])) continue;
    sum[i % 2] += both[i];
    low[i % 2] = std::min<double>(low[i % 2], both[i]);
    high[i % 2] = std::max<double>(high[i % 2], both[i]);
    count += i % 2;
  }
  const double size = std::max(std::hypot(high[0] - low[0], high[1] - low[1]), 1e-3);
  const auto off = [&](int i) { return (both[i] - sum[i % 2] / count) / size - prior.mean[i / 2][i % 2]; };
  const auto alone = detail::measure_densities(prior, theirs, off);
  std::vector<int> all = ours;
  all.insert(all.end(), theirs.begin(), theirs.end());
  const auto given = detail::measure_densities(prior, all, off);
  double ratio = 0;
  for (size_t i = 0; i < theirs.size(); i++) ratio += given[ours.size() + i] - alone[i];
  return ratio;
}

}  // namespace nimblepose
