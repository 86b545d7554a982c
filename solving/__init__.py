"""Solve jobs of the Luna SDK: models that members upload, jobs on them, and the workers that run the jobs.

Nothing here but the engine's own processes ever imports luna_model: models are bytes that anybody may have made.
"""
