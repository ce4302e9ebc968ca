"""What people call the fields of programs. Pure; `label_of` is for sentences, which never begin with a program's word."""

from collections.abc import Mapping

OF_RECORDS: Mapping[str, str] = {
    "name": "姓名",
    "company": "公司",
    "title": "职位",
    "phone": "电话",
    "mobile": "手机号",
    "landline": "座机",
    "wechat_id": "微信号",
    "email": "邮箱",
    "birthday": "生日",
    "openid": "openid",
    "credit_code": "统一社会信用代码",
    "source": "来源",
    "campaign": "活动",
    "channel": "渠道",
    "region": "地区",
    "need": "需求",
    "remark": "备注",
    "amount": "预算",
    "grade": "级别",
    "industry": "行业",
    "created_at": "创建时间",
    "recorded_by": "创建人",
}
"""Fields of leads, contacts and customers that come in from outside."""
_OTHERS: Mapping[str, str] = {
    **{"employee_id": "员工", "owner_id": "负责人", "owner": "负责人", "to_id": "交给谁", "manager_id": "主管", "user": "同事"},
    **{"parent_id": "上级", "reports_to_id": "汇报给", "person_id": "人员编号", "lead_ids": "线索", "drop_id": "要合并的一条"},
    **{
        "id": "编号",
        "numbers": "编号",
        "kind": "类型",
        "subject_kind": "类型",
        "status": "状态",
        "state": "状态",
        "role": "角色",
    },
    **{"text": "内容", "words": "内容", "question": "问题", "reason": "原因", "tags": "标签", "scene": "场景", "file": "文件"},
    **{"at": "时间", "planned_at": "计划时间", "range": "时间范围", "year": "年份", "month": "月份", "days": "天数"},
    **{"period_on": "日期", "repeat": "重复", "away_until": "休假到", "work_hours": "上班时间", "work_days": "上班日"},
    **{"template_id": "模板", "product": "商品", "probability": "把握", "stage": "阶段", "points": "分数", "visits": "拜访"},
    **{
        "decision_weight": "决策权重",
        "address": "地址",
        "scope": "权限",
        "on_duplicate": "已有的",
        "expected_close_on": "预计成交",
    },
}


def label_of(field: str) -> str:
    """Name a field for people; what is named in Chinese already stays, a program's word without a name gives nothing."""
    return OF_RECORDS.get(field) or _OTHERS.get(field) or ("" if field.isascii() else field)
