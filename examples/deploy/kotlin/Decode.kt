// Fields to poses: the chain of the steps.
package nimblepose

/** In pixels of the picture, the centre of the first pixel is (0, 0); x and y of K keypoints, NaN where not found. */
class Pose(val score: Float, val keypoints: FloatArray, val scores: FloatArray)

/** Everybody in the fields of one picture, best first. */
fun decode(fields: Fields, placement: Placement, model: Model): List<Pose> {
    val peaks = findPeaks(fields, model)
    val people = assemble(matchLimbs(scoreLimbs(fields, peaks, model)), peaks, model)
    val poses = people.map { person ->
        val keypoints = FloatArray(person.keypoints.size) {
            val side = 1 - it % 2 // of height, width
            val factor = placement.inputSize[side].toDouble() / placement.imageSize[side]
            ((person.keypoints[it] + 0.5) * model.input.stride / factor - 0.5).toFloat()
        }
        Pose(rate(person, model), keypoints, person.heights)
    }
    val best = poses.sortedByDescending { it.score }.filter { it.score >= model.options.minPoseScore }
    return if (model.options.maxPoses > 0) best.take(model.options.maxPoses) else best
}

/** What a pose is worth: the object keypoint similarity to expect of it, or how sure its limbs are. */
private fun rate(person: Person, model: Model): Float {
    val scorer = model.scorer ?: return person.limbScore
    val heights = person.heights.map { it.toDouble() }
    val there = heights.indices.filter { !person.keypoints[2 * it].isNaN() }
    val extent = (0..1).map { axis ->
        val along = there.map { person.keypoints[2 * it + axis] }.sorted()
        Math.log1p((along.last() - along.first()).toDouble())
    }
    val features = heights + person.limbScore.toDouble() + heights.sum() / there.size +
        there.size.toDouble() / heights.size + there.map { heights[it] }.sorted().first() + extent
    val standard = features.mapIndexed { i, value -> (value - scorer.centre[i]) / scorer.spread[i] }
    var value = scorer.outputBias
    for (unit in scorer.hiddenBias.indices) {
        var total = scorer.hiddenBias[unit]
        for (i in standard.indices) total += standard[i] * scorer.hidden[i][unit]
        value += Math.tanh(total) * scorer.output[unit]
    }
    return (1 / (1 + Math.exp(-Math.min(Math.max(value, -50.0), 50.0)))).toFloat()
}
